"""Safety rules that no setting can disable. Pure: values in, values out."""
