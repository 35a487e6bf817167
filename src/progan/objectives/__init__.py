"""What players want: functions of scores, images and critics."""
