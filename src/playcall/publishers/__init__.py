"""Status pages elsewhere that updates are pushed to, one module each; they never meet."""
