"""What the walk page is made of: the step strip, the parameter panel, one step, two walks side by side."""
