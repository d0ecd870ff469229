//! `#天气 <城市>`: a whole bot of a third party. It answers agents and contacts, remembers the city that was asked for
//! last in a conversation, and has a section of its own in the configuration.

use std::collections::BTreeMap;

use bridge_core::{
    bot::{Audience, BotError, BotSpec, ChatBot, Effect, Turn, async_trait},
    plugin::{BuildError, Plugin, Tools},
    texts::Locale,
};

/// The `[bots.weather]` section.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Word put before every forecast.
    greeting: String,
    /// What the weather is like, by city.
    forecasts: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        let forecasts = [("北京", "晴"), ("上海", "多云"), ("广州", "阵雨")];
        Self {
            greeting: "天气预报".to_owned(),
            forecasts: forecasts
                .map(|(city, weather)| (city.to_owned(), weather.to_owned()))
                .into(),
        }
    }
}

/// 查询天气
///
/// Tells the weather.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// 城市，不写则为上次查询的城市
    ///
    /// The city; without one, the city asked for last.
    #[arg(value_name = "CITY")]
    city: Option<String>,
}

/// The bot.
pub struct Weather(Config);

impl Plugin for Weather {
    type Config = Config;

    fn build(config: Config, _: &Tools) -> Result<Self, BuildError> {
        if config.forecasts.is_empty() {
            let fault = BuildError::new("forecasts", "no city is given", r#"{ "北京" = "晴" }"#);
            return Err(fault.zh("没有填写任何城市"));
        }
        Ok(Self(config))
    }
}

#[async_trait]
impl ChatBot for Weather {
    type Args = Args;

    async fn answer(&self, args: Args, turn: &Turn) -> Result<Vec<Effect>, BotError> {
        let Some(city) = args.city.or_else(|| turn.memory("weather")) else {
            let which = match turn.locale() {
                Locale::Zh => "请写上城市，例如：#天气 北京",
                Locale::En => "Which city? For example: #weather 北京",
            };
            return Ok(vec![Effect::reply(which)]);
        };
        let Some(forecast) = self.0.forecasts.get(&city) else {
            return Ok(vec![Effect::reply(self.unknown(&city, turn.locale()))]);
        };
        Ok(vec![
            Effect::reply(format!("{}：{city}，{forecast}", self.0.greeting)),
            Turn::remember("weather", &city),
        ])
    }
}

impl Weather {
    fn unknown(&self, city: &str, locale: Locale) -> String {
        let known: Vec<&str> = self.0.forecasts.keys().map(String::as_str).collect();
        match locale {
            Locale::Zh => format!("没有“{city}”的天气，可以查询：{}", known.join("、")),
            Locale::En => format!("Nothing known of \"{city}\"; try {}", known.join(", ")),
        }
    }
}

bridge_core::register!(
    BotSpec::new::<Weather>("weather")
        .aliases(&["天气"])
        .audience(Audience::Everyone)
);

#[cfg(test)]
mod tests;
