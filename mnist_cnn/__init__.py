"""Draw a digit and a tiny CNN reads it.

The modules follow the data: `data` → `augmentation` → `training` (with `models`, `optim`, `evaluation`) → `weights`,
and a sketch: `preprocessing` → `classifier` → `ui`. Only `ui` knows gradio.
"""
