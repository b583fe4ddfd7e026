{{ campaign_performance_by('month_start_date') }}
