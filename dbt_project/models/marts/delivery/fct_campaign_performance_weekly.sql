{{ campaign_performance_by('week_start_date') }}
