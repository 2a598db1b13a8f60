"""What ships with the course, the scripts that make it, and the rooms behind `unet_helpers`."""
