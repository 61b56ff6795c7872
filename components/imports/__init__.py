"""The parts of the import page and of the simulator."""
