"""What the admin API asks of the configuration, as typed requests and answers without HTTP.

Every function takes the running configuration and gives an answer model, or `Refusal` with the
HTTP status and the short string that the body carries. Nothing is applied unless the whole request
is valid. `apply_*` functions also return the change for the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from mmbot.config.changes import ConfigChange, Plan, plan_patch
from mmbot.config.describe import cfg_hash, describe_values
from mmbot.config.profiles import find_profile
from mmbot.config.runtime import RuntimeConfig
from mmbot.config.sources import DEFAULT_PATH, read_file
from mmbot.config.tree import dotted, leaves
from mmbot.errors import ConfigError, StoreError
from mmbot.store.runtime import artifacts_dir

__all__ = [
    "Applied",
    "EffectiveConfig",
    "ProfileRequest",
    "Refusal",
    "ReloadAnswer",
    "ReloadRequest",
    "RollbackAnswer",
    "RollbackRequest",
    "apply_profile",
    "apply_reload",
    "apply_rollback",
    "effective_config",
]

_PER_SYMBOL: Final = ("portfolio.cost", "runtime_guard")


def _is_mapping(value: object) -> object:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError("must be an object")
    return value


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Refusal(_Model):
    """A refusal: HTTP status, the short string of the body, and the one line that explains it."""

    status: int
    error: str
    detail: str | None = None

    def body(self) -> dict[str, str]:
        """The body of the answer."""
        return {"error": self.error} | ({"detail": self.detail} if self.detail else {})


class ReloadRequest(_Model):
    """Without a patch the sources are read again; `symbol` confines a patch to one symbol."""

    symbol: str | None = None
    patch: Annotated[dict[str, Any] | None, BeforeValidator(_is_mapping)] = None
    dry_run: bool = False


class RollbackRequest(_Model):
    """To the baseline, or to a numbered version."""

    version: int | None = None
    dry_run: bool = False


class ProfileRequest(_Model):
    """Lay a profile's values over the configuration in force."""

    profile: str
    dry_run: bool = False


class ReloadAnswer(_Model):
    """What has changed; keys that need a restart are listed and not applied."""

    ok: bool = True
    applied: bool
    status: str
    applied_changes: dict[str, dict[str, Any]]
    cfg_hash_before: str
    cfg_hash_after: str


class RollbackAnswer(_Model):
    """A rollback that has happened, or would."""

    ok: bool = True
    rolled_back: bool
    cfg_hash_before: str
    cfg_hash_after: str


class EffectiveConfig(_Model):
    """The configuration in force: text of every value, its origin, its version; no secrets."""

    ok: bool = True
    version: int
    cfg_hash: str
    values: dict[str, str]
    sources: dict[str, str]


@dataclass(frozen=True, slots=True)
class Applied:
    """An answer, and the change for the engine if anything in force has changed."""

    answer: ReloadAnswer | RollbackAnswer | Refusal
    change: ConfigChange | None = None


def effective_config(runtime: RuntimeConfig) -> EffectiveConfig:
    """Read the configuration in force."""
    loaded = runtime.loaded
    values = describe_values(loaded.config)
    return EffectiveConfig(
        version=runtime.version,
        cfg_hash=cfg_hash(loaded.config),
        values=values,
        sources={key: loaded.origin_of(key) for key in values},
    )


def apply_reload(runtime: RuntimeConfig, body: Mapping[str, object]) -> Applied:
    """``POST /admin/reload``: read the sources again, or patch hot keys."""
    try:
        request = ReloadRequest.model_validate(body)
    except ValidationError as exc:
        return Applied(_field_error(exc))
    symbols = runtime.config.trading.symbols
    if request.symbol is not None and request.symbol.upper() not in symbols:
        return Applied(Refusal(status=400, error="invalid_symbol"))
    if request.patch is not None and not request.patch:
        return Applied(Refusal(status=400, error="invalid_patch"))
    try:
        if request.patch is None:
            plan = runtime.plan_reload("admin")
        else:
            patch = _for_symbol(runtime, request.patch, request.symbol)
            plan = plan_patch(runtime.state, patch, origin="admin", reason="patch")
    except ConfigError as exc:
        if request.patch is None:
            runtime.count_failed_reload(exc)
        elif exc.code == "E_CFG_UNKNOWN_KEY":
            return Applied(Refusal(status=400, error="invalid_patch_key", detail=str(exc)))
        return Applied(_refusal(exc))
    return _applied(runtime, plan, dry_run=request.dry_run)


def apply_profile(runtime: RuntimeConfig, body: Mapping[str, object]) -> Applied:
    """Lay a profile over the running configuration, as runtime values."""
    try:
        request = ProfileRequest.model_validate(body)
    except ValidationError as exc:
        return Applied(_field_error(exc))
    try:
        artifacts = artifacts_dir(runtime.state.sources.request.env)
        profile = find_profile(request.profile, DEFAULT_PATH.parent, artifacts, read_file)
        values: dict[str, object] = {dotted(path): value for path, value in leaves(profile.overlay)}
        values |= profile.parameters
        plan = plan_patch(
            runtime.state, values, origin="admin", reason=f"profile {request.profile}"
        )
    except ConfigError as exc:
        return Applied(_refusal(exc))
    return _applied(runtime, plan, dry_run=request.dry_run)


def apply_rollback(runtime: RuntimeConfig, body: Mapping[str, object]) -> Applied:
    """``POST /admin/rollback``: return to the baseline or to a version."""
    try:
        request = RollbackRequest.model_validate(body)
    except ValidationError as exc:
        return Applied(_field_error(exc))
    before = cfg_hash(runtime.config)
    try:
        plan = runtime.plan_rollback(request.version)
        after = cfg_hash(plan.after.config)
        change = None if request.dry_run else runtime.commit(plan)
    except ConfigError as exc:
        if exc.code == "E_CFG_MISSING":
            return Applied(Refusal(status=400, error="invalid_version", detail=str(exc)))
        return Applied(_refusal(exc))
    except StoreError as exc:
        return Applied(Refusal(status=500, error="write_failed", detail=str(exc)))
    answer = RollbackAnswer(
        rolled_back=not request.dry_run, cfg_hash_before=before, cfg_hash_after=after
    )
    return Applied(answer, change)


def _applied(runtime: RuntimeConfig, plan: Plan, *, dry_run: bool) -> Applied:
    changes: dict[str, dict[str, Any]] = {
        key: {"old": old, "new": new} for key, (old, new) in plan.pairs().items()
    }
    changes |= {
        key: {"old": old, "new": new, "needs_restart": True}
        for key, (old, new) in plan.pending().items()
    }
    answer = ReloadAnswer(
        applied=bool(plan.changed) and not dry_run,
        status="ok" if plan.changed else "noop",
        applied_changes=dict(sorted(changes.items())),
        cfg_hash_before=cfg_hash(plan.before.config),
        cfg_hash_after=cfg_hash(plan.after.config),
    )
    if dry_run:
        return Applied(answer)
    try:
        return Applied(answer, runtime.commit(plan))
    except StoreError as exc:
        if plan.origin == "reload":
            runtime.count_failed_reload(exc)
        return Applied(Refusal(status=500, error="write_failed", detail=str(exc)))


def _for_symbol(
    runtime: RuntimeConfig, patch: Mapping[str, object], symbol: str | None
) -> Mapping[str, object]:
    """The patch with its keys confined to `symbol`; only a few sections have values by symbol."""
    if symbol is None or len(runtime.config.trading.symbols) == 1:
        return patch
    confined: dict[str, object] = {}
    for key, value in patch.items():
        section = next((name for name in _PER_SYMBOL if key.startswith(f"{name}.")), None)
        if section is None:
            raise ConfigError("E_CFG_CONFLICT", key, "holds for all symbols: leave symbol out")
        confined[f"{section}.per_symbol.{symbol.upper()}.{key[len(section) + 1 :]}"] = value
    return confined


def _refusal(error: ConfigError) -> Refusal:
    return Refusal(status=400, error=error.code, detail=str(error))


def _field_error(error: ValidationError) -> Refusal:
    """``invalid_<field>`` for the first field that is wrong."""
    where = error.errors(include_url=False)[0]["loc"]
    return Refusal(status=400, error=f"invalid_{where[0]}" if where else "invalid_payload")
