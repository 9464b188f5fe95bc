//! What shoppers write: reviews and chat lines, several for each situation, in English and Chinese. `{}` stands for the product.

use schemas::conversation::words::Language;

/// Why a shopper writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// A question before buying.
    Product,
    /// A payment was refused.
    Payment,
    /// A parcel is late.
    Late,
    /// Something is to be sent back.
    Return,
    /// How the shop works, asked while looking around.
    Help,
    /// A review of four or five stars.
    Praise,
    /// A review of three stars.
    Middling,
    /// A review of one or two stars.
    Complaint,
}

/// Returns what may be written.
pub fn phrases(situation: Situation, language: Language) -> &'static [&'static str] {
    match language {
        Language::English => english(situation),
        Language::Chinese => chinese(situation),
    }
}

fn english(situation: Situation) -> &'static [&'static str] {
    match situation {
        Situation::Product => &[
            "Hi, is the {} in stock and when could it be here?",
            "Does the {} come in other colours?",
            "Could you tell me more about the size of the {}?",
            "Is there a guarantee on the {}?",
            "I can't decide, do many people send the {} back?",
        ],
        Situation::Payment => &[
            "My card was refused although there is enough money on it.",
            "The payment page says declined. Was I charged for the {}?",
            "I tried to pay twice and it failed both times. What now?",
            "Can I pay for the {} another way? Your form does not take my card.",
        ],
        Situation::Late => &[
            "Where is my {}? It should have been here yesterday.",
            "The tracking has not moved for two days. Is my parcel lost?",
            "I have been waiting for the {} all week, this is really annoying.",
            "You promised a date and nothing came. When will it arrive?",
            "Still no parcel. Please tell me what is going on.",
        ],
        Situation::Return => &[
            "I'd like to send the {} back, how do I get a label?",
            "The {} does not fit. Can I return it?",
            "How long does a refund take once you have the parcel?",
            "I changed my mind about the {}. What are the steps?",
        ],
        Situation::Help => &[
            "How much is shipping?",
            "How long does delivery take?",
            "Do you deliver to Switzerland, and what does it cost?",
            "How can I pay?",
            "Can I return shoes that I have worn once?",
            "How many days do I have to send something back?",
            "How do I find my size?",
            "How long is the warranty?",
            "I forgot my password, what can I do?",
            "Can I talk to a real person, please?",
        ],
        Situation::Praise => &[
            "Just as described, and quick to arrive.",
            "Very happy with the {}, better than I had hoped.",
            "The {} is lovely. Would buy again.",
            "Good quality for the price, well packed too.",
            "Bought the {} as a present and it was a great success.",
        ],
        Situation::Middling => &[
            "The {} is all right, but nothing special.",
            "Does what it should. The packaging was a bit poor.",
            "Okay for the price, I expected a little more.",
            "Good product, slow delivery.",
        ],
        Situation::Complaint => &[
            "Not what the picture promised.",
            "The {} broke after three days. Very disappointed.",
            "Late, dented and the wrong colour. Never again.",
            "Poor quality, I sent the {} back.",
            "I feel cheated, the {} is much smaller than described.",
        ],
    }
}

fn chinese(situation: Situation) -> &'static [&'static str] {
    match situation {
        Situation::Product => &[
            "你好，请问{}有现货吗，几天能到？",
            "{}还有别的颜色吗？",
            "想问一下{}的尺寸是多少？",
            "{}有保修吗，保多久？",
            "有点犹豫，{}退货的人多吗？",
        ],
        Situation::Payment => &[
            "卡里明明有钱，付款却失败了。",
            "页面提示支付被拒，{}的钱扣了没有？",
            "付了两次都不成功，怎么办？",
            "能换一种方式付{}的款吗？",
        ],
        Situation::Late => &[
            "我的{}到哪儿了？昨天就该到了。",
            "物流两天没更新，是不是丢件了？",
            "等{}等了一个星期，真的很着急。",
            "说好的日期没送到，到底什么时候能来？",
            "包裹还没到，麻烦查一下。",
        ],
        Situation::Return => &[
            "想退{}，怎么申请？",
            "{}不合身，可以退吗？",
            "寄回去以后多久能退款？",
            "不想要{}了，退货流程是什么？",
        ],
        Situation::Help => &[
            "运费是多少？",
            "配送需要几天？",
            "可以用支付宝付款吗？",
            "几天之内可以退货？",
            "退款多久能到账？",
            "怎么选尺码？",
            "保修期是多久？",
            "忘记密码怎么办？",
            "我想找人工客服。",
        ],
        Situation::Praise => &[
            "质量很好，物流也快。",
            "{}比想象中还要好，很满意。",
            "很喜欢这款{}，会回购。",
            "性价比高，包装也仔细。",
            "买{}送朋友，对方特别喜欢。",
        ],
        Situation::Middling => &[
            "{}还行，没有特别的惊喜。",
            "能用，就是包装有点简陋。",
            "这个价位可以接受，期待再高一点。",
            "东西不错，发货慢了些。",
        ],
        Situation::Complaint => &[
            "和图片差别太大了。",
            "{}用了三天就坏了，非常失望。",
            "来得晚，盒子压坏，颜色也发错了。",
            "质量差，{}已经退了。",
            "感觉被骗了，{}比描述的小很多。",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_situation_has_several_phrases_in_each_language() {
        let situations = [
            Situation::Product,
            Situation::Payment,
            Situation::Late,
            Situation::Return,
            Situation::Help,
            Situation::Praise,
            Situation::Middling,
            Situation::Complaint,
        ];
        for situation in situations {
            let [english, chinese] = [Language::English, Language::Chinese].map(|of| phrases(situation, of));
            assert!(english.len() >= 4 && english.iter().all(|text| text.is_ascii()), "{situation:?}");
            assert!(chinese.len() >= 4 && chinese.iter().all(|text| !text.is_ascii()), "{situation:?}");
        }
    }
}
