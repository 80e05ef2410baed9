"""CloudWatch as AWS has it and the emulator has not: extracted metrics, evaluated alarms, drawn dashboards."""
