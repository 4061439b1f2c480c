"""Malformed configuration files: name, content, error code, and what the line must say.

`AT` is put before the content of most rows, so that the line numbers of the rows begin at 3.
"""

AT = "trading:\n  symbols: [BTCUSDT]\n"
DEEP = "x: " + "[" * 5000 + "]" * 5000
LAUGHS = "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'lol'}]\n" for i in range(9)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 3000))

# (name, text after AT, code, parts of the line)
VALUES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("wrong_unit_in_the_name", "risk: {max_position_pct: 1}", "E_CFG_UNKNOWN_KEY", ("did you",)),
    ("unknown_key", "strategy:\n  k_vola_spred: 1", "E_CFG_UNKNOWN_KEY", ("k_vola_spread?", ":4")),
    ("unknown_section", "stratgy: {skew_coeff: 1}", "E_CFG_UNKNOWN_KEY", ("strategy", ":3")),
    ("unknown_key_deep", "portfolio: {cost: {x: 1}}", "E_CFG_UNKNOWN_KEY", ("portfolio.cost.x",)),
    ("above_the_range", "strategy:\n  skew_coeff: 2", "E_CFG_RANGE", ("in [0,1]", "app.yaml:4")),
    ("below_the_range", "strategy: {levels_per_side: 0}", "E_CFG_RANGE", ("in [1,10]", ":3")),
    ("negative_where_none_may_be", "risk: {max_position_usd: -1}", "E_CFG_RANGE", (">= 0", ":3")),
    ("zero_where_above", "throttle: {max_creates_per_sec: 0}", "E_CFG_RANGE", ("> 0", ":3")),
    ("percent_for_a_fraction", "risk: {max_drawdown_pct: 5}", "E_CFG_RANGE", ("in [0,1]", ":3")),
    ("not_one_of", "portfolio: {mode: equal}", "E_CFG_RANGE", ("'manual'", "'equal'", ":3")),
    ("text_for_a_number", "strategy: {skew_coeff: high}", "E_CFG_TYPE", ("a number", "'high'")),
    ("quoted_number", "strategy: {skew_coeff: '0.1'}", "E_CFG_TYPE", ("a number", ":3")),
    ("fraction_for_an_integer", "strategy: {levels_per_side: 2.5}", "E_CFG_TYPE", ("an integer",)),
    ("bool_for_an_integer", "strategy: {levels_per_side: true}", "E_CFG_TYPE", ("an integer",)),
    ("integer_for_a_bool", "autopolicy: {enabled: 1}", "E_CFG_TYPE", ("true or false", ":3")),
    ("yes_is_text", "autopolicy: {enabled: yes}", "E_CFG_TYPE", ("true or false", "'yes'")),
    ("list_for_a_scalar", "strategy: {skew_coeff: [1]}", "E_CFG_TYPE", ("a number", ":3")),
    ("scalar_for_a_list", "signals: {sigma_bands: 3}", "E_CFG_TYPE", ("a list", ":3")),
    ("scalar_for_a_section", "strategy: 3", "E_CFG_TYPE", ("a section", ":3")),
    ("null_for_a_section", "strategy:", "E_CFG_TYPE", ("a section", "null", ":3")),
    ("null_for_a_value", "strategy: {skew_coeff: null}", "E_CFG_TYPE", ("null", ":3")),
    ("nan", "strategy: {skew_coeff: .nan}", "E_CFG_INVARIANT", ("not finite", ":3")),
    ("infinity", "risk: {max_position_usd: .inf}", "E_CFG_INVARIANT", ("not finite", ":3")),
    ("fraction_overflow", "risk: {max_position_usd: 1e999}", "E_CFG_INVARIANT", ("not finite",)),
    ("integer_overflow", f"risk: {{max_position_usd: 1{'0' * 299}9}}", "E_CFG_PARSE", ("digits",)),
    ("digits_without_end", f"strategy: {{order_ttl_ms: {'9' * 5000}}}", "E_CFG_PARSE", ("digits",)),
    ("legacy_against_new", "autopolicy: {max_level: 1, level_max: 2}", "E_CFG_CONFLICT", ("old",)),
    ("bands_with_a_hole", "mux: {bands: [[0,1,low],[2,3,mid]]}", "E_CFG_INVARIANT", ("mux.bands",)),
    ("bands_reversed", "signals: {sigma_bands: [[1,0,low]]}", "E_CFG_INVARIANT", ("lower", ":3")),
    ("weights", "mux: {profiles: {low: {Moderate: 0.9}}}", "E_CFG_INVARIANT", ("sum to 1",)),
    ("pause_above_kill", "risk: {risk_pause_threshold: 0.06}", "E_CFG_INVARIANT", ("<=", ":3")),
    ("grades_reversed", "risk: {grades: {wide_at_ratio: 0.9}}", "E_CFG_INVARIANT", ("<=", ":3")),
    ("back_off", "throttle: {backoff_cap_ms: 100}", "E_CFG_THROTTLE", ("backoff_base_ms",)),
    ("batch_too_big", "latency_boost: {tail_batch: {max_batch: 21}}", "E_CFG_INVARIANT", ()),
    ("secret", "venue: {api_secret: abc}", "E_CFG_SECRET", ("api_secret", ":3")),
    ("password_in_a_url", "storage: {url: 'pg://a:b@h/d'}", "E_CFG_SECRET", ("storage.url", ":3")),
    ("duplicate_section", "risk: {}\nrisk: {}", "E_CFG_PARSE", ("risk twice", "app.yaml:4")),
    ("key_twice", "risk: {recovery_minutes: 1, recovery_minutes: 1}", "E_CFG_PARSE", ("twice",)),
    ("tab", "risk:\n\tmax_position_usd: 1", "E_CFG_PARSE", ("app.yaml:4",)),
    ("unclosed", "risk: {max_position_usd: 1", "E_CFG_PARSE", ("app.yaml:",)),
    ("two_documents", "---\nrisk: {}", "E_CFG_PARSE", ("app.yaml:3", "document")),
    ("tag", "risk: !!python/object:os.system {}", "E_CFG_PARSE", ("tag", ":3")),
    ("key_that_is_a_list", "[a]: 1", "E_CFG_PARSE", ("text as key", ":3")),
    ("key_that_is_a_number", "1: 1", "E_CFG_UNKNOWN_KEY", ("1 is not a key", ":3")),
    ("unknown_alias", "risk: *nobody", "E_CFG_PARSE", ("app.yaml:3",)),
    ("alias_of_itself", "a: &a [*a]", "E_CFG_PARSE", ("without end",)),
    ("billion_laughs", LAUGHS, "E_CFG_PARSE", ("without end",)),
    ("chain_of_aliases", CHAIN, "E_CFG_PARSE", ("too deeply",)),
    ("nested_deeply", DEEP, "E_CFG_PARSE", ("too deeply", ":3")),
    ("blocks_nested_deeply", "\n".join(" " * i + "x:" for i in range(2000)), "E_CFG_PARSE", ()),
    ("null_character", "risk: {max_position_usd: 1\0}", "E_CFG_PARSE", ()),
]

# (name, bytes of the whole file, code, parts of the line)
FILES: list[tuple[str, bytes, str, tuple[str, ...]]] = [
    ("empty", b"", "E_CFG_MISSING", ("trading.symbols",)),
    ("comment_only", b"# nothing\n", "E_CFG_MISSING", ("trading.symbols",)),
    ("null_for_the_required", b"trading:\n  symbols:\n", "E_CFG_TYPE", ("trading.symbols", ":2")),
    ("no_symbol", b"trading: {symbols: []}", "E_CFG_RANGE", ("trading.symbols", ":1")),
    ("symbol_twice", b"trading: {symbols: [BTCUSDT, btcusdt]}", "E_CFG_CONFLICT", ("twice", ":1")),
    ("symbol_in_euro", b"trading: {symbols: [BTCEUR]}", "E_CFG_RANGE", ("BTCEUR", ":1")),
    ("no_symbol_at_all", b"trading: {symbols: ['a b']}", "E_CFG_TYPE", ("not a symbol", ":1")),
    ("list_as_root", b"- trading\n", "E_CFG_PARSE", ("mapping of sections", ":1")),
    ("text_as_root", b"trading", "E_CFG_PARSE", ("mapping of sections", ":1")),
    ("binary", bytes(range(256)), "E_CFG_PARSE", ("UTF-8 at byte 128",)),
    ("latin_1", b"trading: {symbols: [BTCUSDT]} # \xe9", "E_CFG_PARSE", ("UTF-8 at byte 32",)),
    ("utf_16", "trading: {symbols: [BTCUSDT]}".encode("utf-16"), "E_CFG_PARSE", ("UTF-8",)),
    ("utf_16_without_bom", "trading: {}".encode("utf-16-le"), "E_CFG_PARSE", ()),
    ("utf_32", "trading: {}".encode("utf-32"), "E_CFG_PARSE", ("UTF-8",)),
    ("huge", b"#" * (1 << 20) + b"\n#", "E_CFG_PARSE", ("larger than 1 MiB",)),
]
