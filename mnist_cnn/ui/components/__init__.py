"""The page's own components: Python, HTML, CSS and JavaScript of each in one folder."""
