//! The table as a page, in both languages.

use bridge_core::message::ContentKind;

use super::{Column, KINDS};

pub(super) struct Tongue {
    pub(super) file: &'static str,
    chinese: bool,
}

pub(super) const TONGUES: [Tongue; 2] = [
    Tongue {
        file: "kinds.md",
        chinese: false,
    },
    Tongue {
        file: "kinds.zh-CN.md",
        chinese: true,
    },
];

impl Tongue {
    fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        if self.chinese { zh } else { en }
    }

    fn kind(&self, kind: ContentKind) -> &'static str {
        match kind {
            ContentKind::Text => self.pick("文本", "text"),
            ContentKind::Image => self.pick("图片", "picture"),
            ContentKind::Voice => self.pick("语音", "voice"),
            ContentKind::Video => self.pick("视频", "video"),
            ContentKind::File => self.pick("文件", "file"),
            ContentKind::Location => self.pick("位置", "place"),
            ContentKind::Link => self.pick("链接", "link"),
            ContentKind::MiniProgram => self.pick("小程序页面", "mini-program page"),
            ContentKind::Music => self.pick("音乐（音频文件）", "music (sound files)"),
            ContentKind::Hosted => self.pick(
                "账号的素材：文章、卡券",
                "the account's articles and coupons",
            ),
            ContentKind::Menu => self.pick("选项菜单", "menu of choices"),
            ContentKind::Choice => self.pick("点选的选项", "tapped choice"),
            ContentKind::Nudge => self.pick("不在时的提醒", "reminder to who is away"),
            ContentKind::Event => self.pick("事件", "event"),
            ContentKind::Recalled => self.pick("撤回", "taken back"),
            ContentKind::Unsupported => self.pick("无法识别的类型", "of no known kind"),
        }
    }

    /// What became of it, in people's words.
    fn loss(&self, what: &str) -> String {
        if !self.chinese {
            return what.to_owned();
        }
        let zh = LOSSES.iter().find(|(en, _)| *en == what);
        let zh = zh.unwrap_or_else(|| panic!("no Chinese words for {what:?}: add them to LOSSES"));
        zh.1.to_owned()
    }

    pub(super) fn page(&self, columns: &[Column]) -> String {
        let title = self.pick("消息类型 × 渠道", "Kinds of message by channel");
        let about = self.pick(
            "本页由测试根据各渠道的转换器生成，不要手改；`cargo xtask kinds` 重新生成。",
            "Written by a test from the channels' own convertors; not by hand. `cargo xtask kinds` rewrites it.",
        );
        let reads = self.pick(
            "收到：平台的哪些类型读成什么",
            "In: what the platform sends, and as what it is read",
        );
        let reads_about = self.pick(
            "取自各平台协议的样例；没有专门类型的一律保留原文交给客服，不会丢弃。",
            "From the samples of each platform's protocol. What has no kind of its own is kept and shown to agents, never dropped.",
        );
        let writes = self.pick(
            "发出：各类型在渠道上变成什么",
            "Out: what becomes of each kind",
        );
        let writes_about = self.pick(
            "✓ 原样发出；≈ 换一种形式发出，损失会告知客服；✗ 该渠道没有可用的形式，发送人会看到原因。代码字样是平台自己的消息类型。",
            "✓ as itself; ≈ in another form, and the loss is reported; ✗ there is no form for it here, and whoever sent it is told. In code: the platform's own type.",
        );
        format!(
            "# {title}\n\n{about}\n\n## {reads}\n\n{reads_about}\n\n{}\n## {writes}\n\n{writes_about}\n\n{}",
            self.table(columns, |column, kind| self.read_cell(column, kind)),
            self.table(columns, |column, kind| self.write_cell(column, kind)),
        )
    }

    fn table(&self, columns: &[Column], cell: impl Fn(&Column, ContentKind) -> String) -> String {
        let heads: Vec<String> = columns
            .iter()
            .map(|column| format!("`{}`", column.name))
            .collect();
        let mut table = format!(
            "| | {} |\n|---|{}\n",
            heads.join(" | "),
            "---|".repeat(columns.len())
        );
        for kind in KINDS {
            let cells: Vec<String> = columns.iter().map(|column| cell(column, kind)).collect();
            table.push_str(&format!(
                "| {} | {} |\n",
                self.kind(kind),
                cells.join(" | ")
            ));
        }
        table
    }

    fn read_cell(&self, column: &Column, kind: ContentKind) -> String {
        let words: Vec<String> = column
            .reads
            .get(&kind)
            .into_iter()
            .flatten()
            .map(|word| format!("`{word}`"))
            .collect();
        match words.is_empty() {
            true => "–".to_owned(),
            false => words.join(" "),
        }
    }

    fn write_cell(&self, column: &Column, kind: ContentKind) -> String {
        match &column.writes[&kind] {
            Ok((kinds, lost)) if lost.is_empty() => format!("✓ `{kinds}`"),
            Ok((kinds, lost)) => {
                let lost: Vec<String> = lost.iter().map(|loss| self.loss(&loss.what)).collect();
                format!("≈ `{kinds}` {}", lost.join(self.pick("；", "; ")))
            }
            Err(_) => "✗".to_owned(),
        }
    }
}

const LOSSES: &[(&str, &str)] = &[
    ("shown as a link", "以链接显示"),
    ("shown as text", "以文字显示"),
    ("shown as a link or text", "以链接或文字显示"),
    ("shown as a map link", "以地图链接显示"),
    (
        "shown as a card with a map's link",
        "以带地图链接的卡片显示",
    ),
    ("shown as its title and path", "以标题和路径显示"),
    ("choices shown as text", "选项以文字列出"),
    ("shown as words with the address", "以文字和网址显示"),
    (
        "shown as words with the page's path",
        "以文字和页面路径显示",
    ),
    ("shown as words, nothing to tap", "以文字列出，不能点选"),
    (
        "shown as words: the choices cannot be tapped",
        "以文字列出，不能点选",
    ),
    ("only named", "只写出名称"),
];
