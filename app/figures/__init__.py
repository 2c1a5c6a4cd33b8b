"""Pure figure builders: arrays in, figure out."""
