"""The platform's content as a whole: put in, taken out, thrown away."""
