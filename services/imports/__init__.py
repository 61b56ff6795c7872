"""The portal's side of the Practice Platform: it is reached over HTTP and in no other way (D3)."""
