//! The sample shop's articles: questions in two languages, some that they answer and some that they do not.
//!
//! The defaults of `score_min` and `coverage_min` were found here: every question that the articles answer lies above both, every other one
//! below one of them. The table is printed, so that whoever changes words or articles sees by how much.

use std::path::Path;

use super::*;
use crate::settings::Settings as AllSettings;

/// Questions with the title of the article that answers them.
const ANSWERED: &[(&str, &str)] = &[
    ("How long does delivery take?", "Shipping: Delivery time"),
    ("What does standard shipping cost?", "Shipping: Shipping costs"),
    ("Is shipping free for large orders?", "Shipping: Shipping costs"),
    ("Where do I find the tracking number of my parcel?", "Shipping: Tracking a parcel"),
    ("Do you deliver to Switzerland?", "Shipping: International delivery"),
    ("Within how many days can I return an article?", "Returns: Return period"),
    ("Where do I print the return label?", "Returns: How to return an article"),
    ("When do I get my refund?", "Returns: Refunds"),
    ("Can I exchange an article for another size?", "Returns: Exchange"),
    ("Can I pay by credit card or PayPal?", "Payment: Payment methods"),
    ("How do I use a voucher code?", "Payment: Vouchers"),
    ("How do I get an invoice as a PDF?", "Payment: Invoice"),
    ("How long is the warranty on backpacks?", "Warranty: Warranty period"),
    ("My article arrived damaged, what now?", "Warranty: Damaged or defective articles"),
    ("I forgot my password", "Account: Resetting your password"),
    ("How do I change my delivery address?", "Account: Changing your address"),
    ("How can I delete my account?", "Account: Deleting your account"),
    ("Which size should I choose for shoes?", "Sizes: Finding your size"),
    ("How do I wash a wool garment?", "Sizes: Care instructions"),
    ("国内配送需要多少天？", "配送: 配送时间"),
    ("标准运费是多少？", "配送: 运费"),
    ("在哪里可以找到快递单号？", "配送: 查询包裹"),
    ("可以配送到瑞士吗？", "配送: 国际配送"),
    ("退货期限是多少天？", "退货: 退货期限"),
    ("退货标签在哪里打印？", "退货: 如何退货"),
    ("退款需要几个工作日？", "退货: 退款"),
    ("可以更换其他尺码吗？", "退货: 换货"),
    ("可以用支付宝付款吗？", "付款: 付款方式"),
    ("优惠券怎么使用？", "付款: 优惠券"),
    ("背包的保修期是多久？", "保修: 保修期"),
    ("商品到货时已损坏怎么办？", "保修: 损坏或有缺陷的商品"),
    ("忘记密码怎么办？", "账户: 重置密码"),
    ("怎么修改收货地址？", "账户: 修改地址"),
    ("如何注销账户？", "账户: 注销账户"),
    ("鞋子应该选什么尺码？", "尺码: 如何选择尺码"),
];

/// Questions that no article answers; the later ones of each language speak of things that articles speak of, too.
const UNANSWERED: &[&str] = &[
    "What is the capital of France?",
    "Do you sell kitchen furniture?",
    "Who won the football match yesterday?",
    "Can you recommend a restaurant nearby?",
    "Are you hiring software engineers?",
    "Can I pay with Bitcoin?",
    "Do you deliver pizza?",
    "Can I visit your warehouse?",
    "Is there a student discount on shoes?",
    "What is the wifi password in your store?",
    "今天天气怎么样？",
    "你们招聘程序员吗？",
    "附近有什么好吃的餐厅？",
    "谁赢了昨天的足球比赛？",
    "可以用比特币付款吗？",
    "你们的仓库可以参观吗？",
    "学生买鞋子有折扣吗？",
    "快递员叫什么名字？",
];

fn sample() -> Knowledge {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root");
    Knowledge::open(&root.join("ops/demo-data/knowledge")).expect("the sample")
}

#[test]
fn every_question_finds_its_article_above_the_bar_and_every_other_stays_below() {
    let (knowledge, settings) = (sample(), AllSettings::defaults());
    let faults = Arc::clone(&knowledge.content().borrow().faults);
    assert_eq!(faults.len(), 0, "{faults:?}");
    let bar = &settings.generation.backends["extractive"];
    let (mut wrong, mut table) = (Vec::new(), String::new());
    let answered = ANSWERED.iter().map(|(question, title)| (*question, Some(*title)));
    for (question, expected) in answered.chain(UNANSWERED.iter().map(|question| (*question, None))) {
        let hits = knowledge.index().search(question, language_of(question), 3).expect("searched");
        let (score, coverage) = hits.first().map_or((0.0, 0.0), |hit| (hit.score, hit.coverage));
        let is_above = score >= bar.score_min && coverage >= bar.coverage_min;
        let found = hits.first().filter(|_| is_above).map(|hit| hit.passage.title.as_str());
        let first = hits.first().map_or("-", |hit| hit.passage.title.as_str());
        let sign = if found == expected { "ok   " } else { "WRONG" };
        table.push_str(&format!("{sign} {score:6.2} {coverage:5.2}  {question}  ->  {first}\n"));
        if found != expected {
            wrong.push(question);
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{} of {}:\n{table}", wrong.len(), ANSWERED.len() + UNANSWERED.len());
}

#[test]
fn a_question_about_nothing_finds_nothing_and_a_long_one_ends() {
    let index = sample().index();
    for question in ["", "???", "the of and", "的了吗", " "] {
        assert_eq!(index.search(question, language_of(question), 3).expect("searched"), [], "{question:?}");
    }
    let long = "shipping costs refund 退货 ".repeat(10_000);
    assert!(!index.search(&long, Language::English, 3).expect("searched").is_empty());
    assert_eq!(index.search("shipping", Language::English, 0).expect("searched"), []);
}
