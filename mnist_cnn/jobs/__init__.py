"""A training run for a user of the page: its place in the queue, its process, its curves and its report."""
