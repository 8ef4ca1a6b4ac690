# pragma version ~=0.4.3
"""
@title ERC-6372 on timestamps
@custom:contract-name timestamp_clock
@license GNU Affero General Public License v3.0 only
@notice The clock of votes and of proposals is the block's timestamp, in seconds: the same on every chain.
"""


@external
@view
def clock() -> uint48:
    return convert(block.timestamp, uint48)


@external
@view
def CLOCK_MODE() -> String[14]:
    return "mode=timestamp"
