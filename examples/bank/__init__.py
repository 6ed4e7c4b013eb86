"""Will a client take the deposit? 41,188 calls of a bank through the crisis of 2008 (UCI, CC BY 4.0)."""
