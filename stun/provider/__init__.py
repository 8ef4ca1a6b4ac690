"""What a provider is made of: its hardware, the runners it serves models with, the sandbox they run in."""
