# pragma version ~=0.4.3
"""
@title A beacon whose due round is set by hand
@custom:contract-name SetBeacon
@license GNU Affero General Public License v3.0 only
@notice What the market asks of a beacon, and nothing else; the round may also go back.
@custom:security Test only: anybody sets the round.
@custom:kill Not deployed on a public network.
"""

due_round: public(uint256)
randomness: public(HashMap[uint256, bytes32])


@external
def set_round(due: uint256):
    self.due_round = due


@external
def set_randomness(number: uint256, random: bytes32):
    self.randomness[number] = random
