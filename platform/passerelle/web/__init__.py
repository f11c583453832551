"""What every page stands on: templates, languages, built files, headers, errors as pages."""
