"""What members are told about their organisation: who joined, which limit is near, what is done."""
