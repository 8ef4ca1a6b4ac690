"""What dishonesty earns: the formulas of PROTOCOL.md section 8, and a simulator of strategies beside them.

Formulas are exact (`Fraction`); the simulator draws batches, tasks and seats with the audit's own functions and moves
whole amounts. `python -m stun.protocol.economics` prints what each strategy earns and where it would turn.
"""
