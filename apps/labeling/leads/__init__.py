"""Leads: what project leads see and do: annotators, samples, adjudication, gold."""
