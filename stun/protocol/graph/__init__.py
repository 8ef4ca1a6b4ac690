"""Models of class `exact`: graphs of integer operators, their files, their traces, and the referee of one element."""
