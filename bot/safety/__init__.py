"""The floor of safety: what no setting can switch off. Pure: values in, values out."""
