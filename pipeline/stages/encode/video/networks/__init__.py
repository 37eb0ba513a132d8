"""Networks without their heads, by where they come from: torchvision, timm, or a plug-in. Start at `body.py`.

Only backbone.py, one floor up, imports from here.
"""
