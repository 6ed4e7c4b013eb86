"""What does the customer want? 10,003 messages, 77 intents, from zero labels (PolyAI, CC BY 4.0)."""
