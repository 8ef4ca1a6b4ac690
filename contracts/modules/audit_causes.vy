# pragma version ~=0.4.3
"""
@title Named reasons of the audit's refusals
@custom:contract-name audit_causes
@license GNU Affero General Public License v3.0 only
@notice As in reasons.vy: each constant is the text behind it, read as a big-endian number (a test holds them to each other),
        so that the contract fits its limit.
"""

AUDIT_AGREES: constant(uint256) = 7721462900607191051145471944051  # "audit: agrees"
AUDIT_CLASS: constant(uint256) = 30161964455496840052209709939  # "audit: class"
AUDIT_EARLY: constant(uint256) = 30161964455496840060616207481  # "audit: early"
AUDIT_LATE: constant(uint256) = 117820173654284531604223077  # "audit: late"
AUDIT_NOT_DRAWN: constant(uint256) = 129544650919473375658719251017156884334  # "audit: not drawn"
AUDIT_NOTHING: constant(uint256) = 1976694502555440912761220248464999  # "audit: nothing"
AUDIT_OPEN: constant(uint256) = 117820173654284531655533934  # "audit: open"
AUDIT_OPENED: constant(uint256) = 7721462900607191066577071924580  # "audit: opened"
AUDIT_OPENING: constant(uint256) = 1976694502555440913043730412957287  # "audit: opening"
AUDIT_ORDER: constant(uint256) = 30161964455496840103850173810  # "audit: order"
AUDIT_PHASE: constant(uint256) = 30161964455496840107977175909  # "audit: phase"
AUDIT_REPEATED: constant(uint256) = 506033792654192873952283598926407012  # "audit: repeated"
AUDIT_REPLICA: constant(uint256) = 1976694502555440913876107926266721  # "audit: replica"
AUDIT_ROOT: constant(uint256) = 117820173654284531705802612  # "audit: root"
AUDIT_ROUND: constant(uint256) = 30161964455496840116685860452  # "audit: round"
AUDIT_SEALED: constant(uint256) = 7721462900607191070927806555492  # "audit: sealed"
AUDIT_SEAT: constant(uint256) = 117820173654284531721920884  # "audit: seat"
AUDIT_SEATS: constant(uint256) = 30161964455496840120811746419  # "audit: seats"
AUDIT_SHOWN: constant(uint256) = 30161964455496840120862996334  # "audit: shown"
AUDIT_SIGNER: constant(uint256) = 7721462900607191070945087219058  # "audit: signer"
AUDIT_UNKNOWN: constant(uint256) = 1976694502555440914730407020164974  # "audit: unknown"
BATCHES_UNKNOWN: constant(uint256) = 130770357017610833004075697660966696814  # "batches: unknown"
RESOLVE_ROOT: constant(uint256) = 9063408065270805267431711272820  # "resolve: root"
