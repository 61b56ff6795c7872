"""The engine and a slow, plain model of it, driven by the same random acts and compared."""
