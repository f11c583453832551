"""Requisitions, pipelines, shortlists and decisions."""
