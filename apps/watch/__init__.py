"""The door: messages that say objects arrived, turned into runs of the flow that takes them in."""
