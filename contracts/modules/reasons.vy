# pragma version ~=0.4.3
"""
@title Named reasons of the market's refusals
@custom:contract-name reasons
@license GNU Affero General Public License v3.0 only
@notice Each constant is the text behind it, read as a big-endian number (a test holds them to each other and to the
        specification's codes). `fail` reverts with Error(string), as a named assert does, at a third of the code size:
        that is what keeps the market under 24 KB (docs/decisions/0003-named-reasons-as-numbers.md).
"""

ACCEPT_ROOT: constant(uint256) = 30140198994318441034720178036  # "accept: root"
ACCEPT_SIGNER: constant(uint256) = 1975268081291653351652495195006322  # "accept: signer"
BATCHES_CLAIM: constant(uint256) = 1995397293359540298524026929768813  # "batches: claim"
BATCHES_COMMITTED: constant(uint256) = 8570166117506143551754772953135205330478436  # "batches: committed"
BATCHES_DISAGREE: constant(uint256) = 33477211396508373249042152223474069955941  # "batches: disagree"
BATCHES_EARLY: constant(uint256) = 1995397293359540298524035336268921  # "batches: early"
BATCHES_LATE: constant(uint256) = 7794520677185704291109630473317  # "batches: late"
BATCHES_LONE: constant(uint256) = 7794520677185704291109631389285  # "batches: lone"
BATCHES_OPENING: constant(uint256) = 130770357017610833004074010984359489127  # "batches: opening"
BATCHES_PEER: constant(uint256) = 7794520677185704291109697840498  # "batches: peer"
BATCHES_PHASE: constant(uint256) = 1995397293359540298524082697237349  # "batches: phase"
BATCHES_REPEATED: constant(uint256) = 33477211396508373249043159900609238558052  # "batches: repeated"
BATCHES_REPLICA: constant(uint256) = 130770357017610833004074843361872798561  # "batches: replica"
BATCHES_SIGNER: constant(uint256) = 510821707100042316422168473422947698  # "batches: signer"
BATCHES_UNITS: constant(uint256) = 1995397293359540298524104273261683  # "batches: units"
BATCHES_UNKNOWN: constant(uint256) = 130770357017610833004075697660966696814  # "batches: unknown"
BIDS_EXPIRED: constant(uint256) = 7796977289155498869991295575396  # "bids: expired"
BIDS_LIST: constant(uint256) = 464736061641901780595572  # "bids: list"
BIDS_ORDER: constant(uint256) = 118972431780326868867376498  # "bids: order"
BIDS_PRICE: constant(uint256) = 118972431780326873162670949  # "bids: price"
BIDS_PROVIDER: constant(uint256) = 1996026186023808501661412396131698  # "bids: provider"
BIDS_SIGNATURE: constant(uint256) = 510982703622095031114774818200056421  # "bids: signature"
BIDS_STAKE: constant(uint256) = 118972431780326886080605029  # "bids: stake"
LEDGER_ASSET: constant(uint256) = 8588020918389565588851435726196  # "ledger: asset"
LEDGER_BALANCE: constant(uint256) = 562824538907578570431229345387144037  # "ledger: balance"
LEDGER_NOBODY: constant(uint256) = 2198533355107728790760243732636793  # "ledger: nobody"
LEDGER_NOTHING: constant(uint256) = 562824538907578570434622472747314791  # "ledger: nothing"
LEDGER_TOKEN: constant(uint256) = 8588020918389565588932972471662  # "ledger: token"
MONEY_RANGE: constant(uint256) = 33868578168673433537903224677  # "money: range"
NONCES_USED: constant(uint256) = 34178063140176210887573726564  # "nonces: used"
NONCES_WEEK: constant(uint256) = 34178063140176210887606363499  # "nonces: week"
OPERATORS_EXPIRED: constant(uint256) = 9707710209446567324760308428547932638307684  # "operators: expired"
OPERATORS_NONCE: constant(uint256) = 148127902365822865673222479722157335397  # "operators: nonce"
OPERATORS_SIGNATURE: constant(uint256) = 636204496286290236195491573430488338655503282789  # "operators: signature"
ORDERS_ASSET: constant(uint256) = 8829728701855182852338461402484  # "orders: asset"
ORDERS_AUDIT: constant(uint256) = 8829728701855182852338493974900  # "orders: audit"
ORDERS_CLASS: constant(uint256) = 8829728701855182852346932720499  # "orders: class"
ORDERS_CONFIG: constant(uint256) = 2260410547674926810200827878599015  # "orders: config"
ORDERS_COUNT: constant(uint256) = 8829728701855182852346984361588  # "orders: count"
ORDERS_COVER: constant(uint256) = 8829728701855182852346984424818  # "orders: cover"
ORDERS_EXPIRED: constant(uint256) = 578665100204781263411984791120274788  # "orders: expired"
ORDERS_FLAGS: constant(uint256) = 8829728701855182852359817619315  # "orders: flags"
ORDERS_LIFETIME: constant(uint256) = 148138265652424003433968276548142853477  # "orders: lifetime"
ORDERS_LONE: constant(uint256) = 34491127741621808017131400805  # "orders: lone"
ORDERS_MATCHER: constant(uint256) = 578665100204781263414211319245071730  # "orders: matcher"
ORDERS_MODEL: constant(uint256) = 8829728701855182852389932918124  # "orders: model"
ORDERS_PRICE: constant(uint256) = 8829728701855182852402868478821  # "orders: price"
ORDERS_REPLICAS: constant(uint256) = 148138265652424003434399507237459681651  # "orders: replicas"
ORDERS_SIGNATURE: constant(uint256) = 37923396007020544879225006296129699410533  # "orders: signature"
ORDERS_SMALL: constant(uint256) = 8829728701855182852415668972652  # "orders: small"
ORDERS_TIER: constant(uint256) = 34491127741621808017265223026  # "orders: tier"
ORDERS_WINDOW: constant(uint256) = 2260410547674926810222792341221239  # "orders: window"
RESOLVE_AGREED: constant(uint256) = 593979510965587494006385903967495524  # "resolve: agreed"
RESOLVE_EMPTY: constant(uint256) = 2320232464709326148462462217778297  # "resolve: empty"
RESOLVE_INDEX: constant(uint256) = 2320232464709326148462479413634424  # "resolve: index"
RESOLVE_LEAVES: constant(uint256) = 593979510965587494006397989721367923  # "resolve: leaves"
RESOLVE_ORDER: constant(uint256) = 2320232464709326148462505250547058  # "resolve: order"
RESOLVE_OVERFLOW: constant(uint256) = 38927041230640742007203519616617169055607  # "resolve: overflow"
RESOLVE_ROOT: constant(uint256) = 9063408065270805267431711272820  # "resolve: root"
RESOLVE_SIBLINGS: constant(uint256) = 38927041230640742007203804184494369302387  # "resolve: siblings"
RESOLVE_STANDING: constant(uint256) = 38927041230640742007203807279628107214439  # "resolve: standing"
TREES_OVERFLOW: constant(uint256) = 604626663726557192831034130678181751  # "trees: overflow"
TREES_TOP: constant(uint256) = 549904747209945701969776  # "trees: top"


@internal
@pure
def fail(reason: uint256):
    """
    @notice Reverts with the text of a reason.
    @param reason One of the constants above, at most 32 bytes of text.
    """
    size: uint256 = 0
    for i: uint256 in range(33):
        if reason >> (8 * i) == 0:
            size = i
            break
    text: bytes32 = convert(reason << (8 * (32 - size)), bytes32)
    raw_revert(concat(0x08c379a0, convert(convert(32, uint256), bytes32), convert(size, bytes32), text))
