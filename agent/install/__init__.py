"""What is shipped -> a machine on which it runs as a service: files, laid down below a root."""
