//! The shop assistant that answers when no script does: a few rules in Chinese, and a memory for each conversation, so that a
//! demonstration without any model is pleasant.

/// What it remembers of one conversation.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    name: Option<String>,
    order: Option<String>,
    last_question: Option<String>,
    /// It asked for an order number.
    wants_order: bool,
}

/// Topics it knows: words that name one, and the answer.
const TOPICS: &[(&[&str], &str)] = &[
    (
        &["退货", "退款", "换货", "退换"],
        "支持七天无理由退换货：\n1. 在“我的订单”里申请退换；\n2. 上门取件，质量问题运费由我们承担；\n3. 仓库验收后 1-3 个工作日退款原路返回。",
    ),
    (
        &["运费", "邮费", "包邮"],
        "全场满 **99 元**包邮，不满收 8 元运费；新疆、西藏满 199 元包邮。",
    ),
    (
        &["优惠", "便宜", "折扣", "打折", "优惠券"],
        "新会员首单立减 15 元；本周满 200 减 30，可与店铺券叠加。优惠券在“我的-卡券”里领取。",
    ),
    (
        &["发票", "抬头"],
        "电子发票在确认收货后自动开具，也可以在订单详情里修改抬头，修改后 24 小时内重开。",
    ),
    (
        &["尺码", "尺寸", "多大", "码数"],
        "请告诉我身高和体重，我帮您推荐尺码；每件商品的详情页底部也有尺码表。",
    ),
    (
        &["营业时间", "几点", "上班", "工作时间"],
        "智能客服全天在线；人工客服工作时间为周一至周五 9:00-18:00。",
    ),
    (
        &["付款", "支付", "分期"],
        "支持微信支付、银行卡和花呗分期（3/6/12 期），付款遇到问题可以换一种方式再试。",
    ),
    (
        &["保修", "质保", "坏了", "维修"],
        "数码家电类商品质保一年，非人为损坏免费维修。请准备好订单号和故障照片。",
    ),
    (
        &["地址", "门店", "在哪里"],
        "我们的体验店在杭州市西湖区云杉路 88 号，每天 10:00-21:00 营业。",
    ),
];

const PERSON: &[&str] = &["转人工", "人工", "真人", "投诉", "经理", "human", "agent"];
const GREETINGS: &[&str] = &[
    "你好",
    "您好",
    "在吗",
    "在么",
    "早上好",
    "下午好",
    "晚上好",
    "哈喽",
];

impl Memory {
    /// Answers a question and remembers it.
    pub fn answer(&mut self, question: &str, pictures: usize, mark: &str) -> String {
        let answer = self.reply(question.trim(), pictures, mark);
        self.last_question = Some(question.trim().to_owned());
        answer
    }

    fn reply(&mut self, question: &str, pictures: usize, mark: &str) -> String {
        let has = |words: &[&str]| words.iter().any(|word| question.contains(word));
        if has(PERSON) {
            return format!("好的，正在为您转接人工客服，请稍候。{mark}");
        }
        if pictures > 0 {
            return format!(
                "已收到您的 {pictures} 张图片。请再告诉我{}，我来帮您核对。",
                self.order.as_ref().map_or("订单号", |_| "需要解决的问题")
            );
        }
        if let Some(name) = introduced(question) {
            let answer =
                format!("{name}，很高兴认识您！我是云杉商城的智能客服小杉，请问有什么可以帮您？");
            self.name = Some(name);
            return answer;
        }
        if let Some(order) = order_number(question) {
            return self.order_state(order);
        }
        if has(&["发货", "物流", "快递", "到哪", "什么时候到", "订单"]) {
            return self.ask_order();
        }
        if has(&["刚才", "我叫什么", "记得"]) {
            return self.recollection();
        }
        if let Some((_, answer)) = TOPICS.iter().find(|(words, _)| has(words)) {
            return format!("{}{answer}", self.address());
        }
        self.small_talk(question, mark)
    }

    fn small_talk(&self, question: &str, mark: &str) -> String {
        let has = |words: &[&str]| words.iter().any(|word| question.contains(word));
        let lower = question.to_lowercase();
        match () {
            () if has(&["谢谢", "多谢", "感谢"]) => {
                format!("{}不客气，祝您购物愉快！", self.address())
            }
            () if has(&["再见", "拜拜"]) => "再见，欢迎随时回来！".to_owned(),
            () if has(GREETINGS) => format!(
                "{}您好！我是云杉商城的智能客服小杉，可以查订单、问物流、退换货、优惠和发票；说“转人工”可以找人工客服。",
                self.address()
            ),
            () if lower.starts_with("hello") || lower.starts_with("hi") => {
                "Hello! I am the shop assistant. Ask me about orders, delivery or returns, or say “人工” for a person.".to_owned()
            }
            () => format!("抱歉，这个问题我还答不好，为您请人工客服来帮忙。{mark}"),
        }
    }

    fn address(&self) -> String {
        self.name
            .as_ref()
            .map_or(String::new(), |name| format!("{name}，"))
    }

    fn ask_order(&mut self) -> String {
        match self.order.clone() {
            Some(order) => self.order_state(order),
            None => {
                self.wants_order = true;
                "请提供一下您的订单号（在“我的订单”里可以看到），我马上为您查询。".to_owned()
            }
        }
    }

    /// Made up, but always the same for the same order.
    fn order_state(&mut self, order: String) -> String {
        let sum: u32 = order.bytes().map(u32::from).sum();
        let state = match sum % 3 {
            0 => "已打包，今天 18:00 前发出",
            1 => "已发货，正在由顺丰运往杭州，预计明天送达",
            _ => "已签收，签收人：本人",
        };
        self.wants_order = false;
        let answer = format!("{}订单 {order} {state}。", self.address());
        self.order = Some(order);
        answer
    }

    fn recollection(&self) -> String {
        let mut facts = Vec::new();
        facts.extend(self.name.iter().map(|name| format!("您是{name}")));
        facts.extend(self.order.iter().map(|order| format!("您查过订单 {order}")));
        let last = self.last_question.iter();
        facts.extend(last.map(|question| format!("您刚才说的是“{question}”")));
        match facts.is_empty() {
            true => "这是我们第一次聊天，您还没有告诉我什么。".to_owned(),
            false => format!("记得：{}。", facts.join("，")),
        }
    }
}

/// The name in 我叫…, up to four characters.
fn introduced(question: &str) -> Option<String> {
    let (_, rest) = question
        .split_once("我叫")
        .or_else(|| question.split_once("我姓"))?;
    let is_name = |c: &char| c.is_alphanumeric() && !"什么啥".contains(*c);
    let name: String = rest.chars().take_while(is_name).take(4).collect();
    (!name.is_empty()).then_some(name)
}

/// A run of at least six letters and digits with a digit in it.
fn order_number(question: &str) -> Option<String> {
    let runs = question.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let mut numbers = runs.filter(|run| {
        run.bytes().filter(u8::is_ascii_digit).count() >= 4 && (6..=24).contains(&run.len())
    });
    numbers.next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "[转人工]";

    #[test]
    fn it_remembers_within_a_conversation() {
        let mut memory = Memory::default();
        assert!(memory.answer("你好", 0, MARK).contains("小杉"));
        assert!(memory.answer("我叫小周", 0, MARK).starts_with("小周"));
        assert!(memory.answer("我的快递到哪了", 0, MARK).contains("订单号"));
        let state = memory.answer("SO10086", 0, MARK);
        assert!(
            state.contains("SO10086") && state.starts_with("小周，"),
            "{state}"
        );
        assert_eq!(memory.answer("物流呢", 0, MARK), state);
        let recalled = memory.answer("你还记得我刚才说什么吗", 0, MARK);
        assert!(
            recalled.contains("物流呢") && recalled.contains("小周"),
            "{recalled}"
        );
    }

    #[test]
    fn it_hands_over_when_asked_and_when_it_does_not_know() {
        for question in ["我要转人工", "我要投诉", "量子纠缠是什么"] {
            assert!(
                Memory::default().answer(question, 0, MARK).ends_with(MARK),
                "{question}"
            );
        }
        for question in ["可以退货吗", "包邮吗", "怎么开发票", "谢谢", "hello"] {
            assert!(
                !Memory::default().answer(question, 0, MARK).contains(MARK),
                "{question}"
            );
        }
    }

    #[test]
    fn pictures_are_noticed() {
        assert!(
            Memory::default()
                .answer("看图", 2, MARK)
                .contains("2 张图片")
        );
    }
}
