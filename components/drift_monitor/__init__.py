"""What happens after the push: drift, novelty and continuous evaluation."""
