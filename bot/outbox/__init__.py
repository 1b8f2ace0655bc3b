"""What has to be sent to Discord in the background: kept until it is sent or given up."""
