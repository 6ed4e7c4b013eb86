"""Casting: cells of any format become values of the contract's types, without loss or not at all."""
