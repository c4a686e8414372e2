"""The page, built with Gradio. No other part of the package imports gradio."""
