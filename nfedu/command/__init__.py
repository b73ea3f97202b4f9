"""`python -m nfedu` and its commands, one file each, thin over what a notebook can call too."""
