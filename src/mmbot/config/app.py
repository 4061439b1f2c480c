"""The whole configuration: one immutable object of sections."""

from __future__ import annotations

from mmbot.config.base import Section, key
from mmbot.config.execution import (
    AutopolicyConfig,
    CircuitConfig,
    LatencyBoostConfig,
    ThrottleConfig,
)
from mmbot.config.operations import (
    HaFailoverConfig,
    JournalConfig,
    LoggingConfig,
    MonitoringConfig,
    RateBudgetConfig,
    RecorderConfig,
    RuntimeSection,
    StorageConfig,
    WatchdogConfig,
)
from mmbot.config.portfolio import AllocatorConfig, FeesConfig, PortfolioConfig
from mmbot.config.research import EdgeConfig, SimConfig, SoakConfig
from mmbot.config.risk import GuardsConfig, LimitsConfig, RiskConfig, RuntimeGuardConfig
from mmbot.config.rollout import (
    AutopromoteConfig,
    CanaryConfig,
    ChaosConfig,
    KillswitchConfig,
    LatencySloConfig,
    RolloutConfig,
    RolloutRampConfig,
)
from mmbot.config.scheduling import SchedulerConfig, SchedulerSuggestConfig, ShadowConfig
from mmbot.config.signals import MarketConfig, MuxConfig, SignalsConfig
from mmbot.config.strategy import StrategyConfig
from mmbot.config.trading import TradingConfig
from mmbot.config.venues import BybitConfig, CcxtConfig

__all__ = ["AppConfig"]


class AppConfig(Section):
    """All sections; built by `mmbot.config.load_config`, or with defaults by ``AppConfig()``."""

    strategy: StrategyConfig = key(StrategyConfig(), "quoting")
    trading: TradingConfig = key(TradingConfig(), "what is traded, and fees")
    bybit: BybitConfig = key(BybitConfig(), "addresses and deadlines of Bybit")
    ccxt: CcxtConfig = key(CcxtConfig(), "other addresses of an exchange of ccxt")
    risk: RiskConfig = key(RiskConfig(), "position and losses")
    limits: LimitsConfig = key(LimitsConfig(), "orders")
    latency_boost: LatencyBoostConfig = key(LatencyBoostConfig(), "replaces and tail cancel")
    throttle: ThrottleConfig = key(ThrottleConfig(), "request windows and back-off")
    circuit: CircuitConfig = key(CircuitConfig(), "circuit breaker")
    autopolicy: AutopolicyConfig = key(AutopolicyConfig(), "calmer quoting while throttled")
    runtime_guard: RuntimeGuardConfig = key(RuntimeGuardConfig(), "pause when degraded")
    mux: MuxConfig = key(MuxConfig(), "strategies by regime")
    scheduler: SchedulerConfig = key(SchedulerConfig(), "trading windows")
    scheduler_suggest: SchedulerSuggestConfig = key(SchedulerSuggestConfig(), "their suggestion")
    shadow: ShadowConfig = key(ShadowConfig(), "virtual orders")
    guards: GuardsConfig = key(GuardsConfig(), "skew and intraday caps")
    portfolio: PortfolioConfig = key(PortfolioConfig(), "budget over symbols")
    allocator: AllocatorConfig = key(AllocatorConfig(), "smoothing of targets")
    fees: FeesConfig = key(FeesConfig(), "fee tiers")
    signals: SignalsConfig = key(SignalsConfig(), "signals of the market")
    rollout: RolloutConfig = key(RolloutConfig(), "blue and green")
    rollout_ramp: RolloutRampConfig = key(RolloutRampConfig(), "steps of the split")
    killswitch: KillswitchConfig = key(KillswitchConfig(), "green against blue")
    autopromote: AutopromoteConfig = key(AutopromoteConfig(), "promotion of green")
    chaos: ChaosConfig = key(ChaosConfig(), "inflated metrics, development only")
    latency_slo: LatencySloConfig = key(LatencySloConfig(), "latency objective")
    canary: CanaryConfig = key(CanaryConfig(), "share of a canary")
    ha_failover: HaFailoverConfig = key(HaFailoverConfig(), "leader and follower")
    monitoring: MonitoringConfig = key(MonitoringConfig(), "listeners")
    logging: LoggingConfig = key(LoggingConfig(), "logs")
    storage: StorageConfig = key(StorageConfig(), "journal and SQL")
    market: MarketConfig = key(MarketConfig(), "market data")
    edge: EdgeConfig = key(EdgeConfig(), "edge accounting")
    sim: SimConfig = key(SimConfig(), "simulated exchange")
    soak: SoakConfig = key(SoakConfig(), "soak and tuning")
    recorder: RecorderConfig = key(RecorderConfig(), "market recorder and summaries")
    journal: JournalConfig = key(JournalConfig(), "snapshots of the journal")
    rate_budget: RateBudgetConfig = key(RateBudgetConfig(), "requests of account and address")
    watchdog: WatchdogConfig = key(WatchdogConfig(), "cancels when the session is gone")
    runtime: RuntimeSection = key(RuntimeSection(), "start of a session")
