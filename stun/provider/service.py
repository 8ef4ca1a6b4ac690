"""A provider put together from its settings."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from stun.chains.court import Courts
from stun.chains.evm.addresses import widen
from stun.chains.interface import TransactionSigner
from stun.chains.market import MarketReader, MarketWriter
from stun.checking.rerun import ExactModels
from stun.provider.context import ProviderContext
from stun.provider.executor import ProviderService
from stun.provider.hardware import Hardware, detect_hardware
from stun.provider.journal import Journal
from stun.provider.model_cache import DEFAULT_MAX_BYTES, ModelCache
from stun.provider.pools import CheckedPools, PoolView
from stun.provider.sandbox import SandboxSettings
from stun.provider.settings import ProviderSettings
from stun.provider.storehouse import OpenStore, Storehouse, http_store
from stun.provider.workshop import SandboxWorkshop, Workshop
from stun.storage.blobs import BlobStore
from stun.storage.folder import FolderBlobStore


def build_provider(
    settings: ProviderSettings,
    reader: MarketReader,
    writer: MarketWriter | None,
    signer: TransactionSigner,
    pools: PoolView,
    stores: Sequence[tuple[str, BlobStore]] = (),
    *,
    courts: Courts | None,
    workshop: Workshop | None = None,
    hardware: Hardware | None = None,
    sandbox: SandboxSettings | None = None,
    open_store: OpenStore | None = None,
    cache_folder: Path | None = None,
    cache_bytes: int = DEFAULT_MAX_BYTES,
    on_step: Callable[[str], None] = lambda _: None,
) -> ProviderService:
    """Build a provider that works in `settings.folder`.

    `stores` are (URL, store) of its own that requesters can read; `store_urls` of the settings are opened beside
    them. `writer` None is a dry run, `courts` None a chain without any. Several providers of one machine may share
    `cache_folder`.
    Errors: JournalError (another process works in the folder, or it belongs to another account).
    """
    account = settings.account or widen(signer.address)
    opener = open_store or http_store(settings.max_package_bytes)
    known = {url for url, _ in stores}
    shared = [*stores, *((url, opener(url)) for url in settings.store_urls if url not in known)]
    house = Storehouse(FolderBlobStore(settings.folder / "blobs"), shared, opener)
    cache = ModelCache(cache_folder or settings.folder / "models", house, cache_bytes)
    journal = Journal(settings.folder / "journal.sqlite", f"{reader.chain} {account.hex()}", on_step)
    context = ProviderContext(
        account=account,
        reader=reader,
        writer=writer,
        signer=signer,
        pools=CheckedPools(pools, reader),
        stores=house,
        workshop=workshop or SandboxWorkshop(cache, cache, sandbox),
        journal=journal,
        courts=courts,
        models=ExactModels(cache, kept=1),
        hardware=hardware or detect_hardware(),
        settings=replace(settings, account=account, store_urls=tuple(url for url, _ in shared)),
        on_step=on_step,
    )
    return ProviderService(context)
