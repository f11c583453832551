"""Skills: the taxonomy, and the evidence that a person has one."""
