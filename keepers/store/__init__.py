"""What keepers know across restarts."""
