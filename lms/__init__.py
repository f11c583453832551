"""LTI 1.3: the door through which people come from their organisation's LMS, and grades go back."""
