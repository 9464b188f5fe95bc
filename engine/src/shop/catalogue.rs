//! What the shop sells, and the names of those who buy, in English and Chinese. All of it is invented.

/// A category of products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Clothing.
    Clothing,
    /// Shoes.
    Shoes,
    /// Kitchen.
    Kitchen,
    /// Home.
    Home,
    /// Electronics.
    Electronics,
    /// Sport.
    Sport,
}

impl Category {
    /// Every category.
    pub const ALL: [Category; 6] = [
        Category::Clothing,
        Category::Shoes,
        Category::Kitchen,
        Category::Home,
        Category::Electronics,
        Category::Sport,
    ];

    /// Returns the name that events carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Clothing => "clothing",
            Category::Shoes => "shoes",
            Category::Kitchen => "kitchen",
            Category::Home => "home",
            Category::Electronics => "electronics",
            Category::Sport => "sport",
        }
    }

    /// Returns how many of its orders are asked to be taken back: what has to fit comes back most.
    ///
    /// Units: probability.
    pub fn returned(self) -> f64 {
        match self {
            Category::Clothing => 0.24,
            Category::Shoes => 0.22,
            Category::Kitchen | Category::Home => 0.09,
            Category::Electronics => 0.12,
            Category::Sport => 0.10,
        }
    }
}

/// One product.
#[derive(Debug)]
pub struct Product {
    /// Its id.
    pub id: &'static str,
    /// Its English name.
    pub english: &'static str,
    /// Its Chinese name.
    pub chinese: &'static str,
    /// Where it stands.
    pub category: Category,
    /// Units: euro cents.
    pub price: u32,
}

const fn product(
    id: &'static str,
    (english, chinese): (&'static str, &'static str),
    category: Category,
    price: u32,
) -> Product {
    Product { id, english, chinese, category, price }
}

/// Everything on the shelf.
pub const PRODUCTS: [Product; 36] = [
    product("p-01", ("Linen shirt", "亚麻衬衫"), Category::Clothing, 3_900),
    product("p-02", ("Rain jacket", "防雨夹克"), Category::Clothing, 8_900),
    product("p-03", ("Wool scarf", "羊毛围巾"), Category::Clothing, 2_450),
    product("p-04", ("Running shoes", "跑步鞋"), Category::Shoes, 11_900),
    product("p-05", ("Canvas sneakers", "帆布鞋"), Category::Shoes, 5_400),
    product("p-06", ("Hiking boots", "登山靴"), Category::Shoes, 14_900),
    product("p-07", ("Porcelain teapot", "瓷茶壶"), Category::Kitchen, 4_200),
    product("p-08", ("Cast-iron pan", "铸铁锅"), Category::Kitchen, 5_990),
    product("p-09", ("Green tea, 250 g", "绿茶250克"), Category::Kitchen, 1_280),
    product("p-10", ("Chef's knife", "主厨刀"), Category::Kitchen, 7_400),
    product("p-11", ("Desk lamp", "台灯"), Category::Home, 4_800),
    product("p-12", ("Cotton bedding", "纯棉床品"), Category::Home, 9_500),
    product("p-13", ("Scented candle", "香薰蜡烛"), Category::Home, 1_800),
    product("p-14", ("Wireless earphones", "无线耳机"), Category::Electronics, 12_900),
    product("p-15", ("Power bank", "充电宝"), Category::Electronics, 3_500),
    product("p-16", ("E-book reader", "电子书阅读器"), Category::Electronics, 13_900),
    product("p-17", ("Yoga mat", "瑜伽垫"), Category::Sport, 2_900),
    product("p-18", ("Water bottle", "运动水壶"), Category::Sport, 1_650),
    product("p-19", ("Silk blouse", "真丝上衣"), Category::Clothing, 7_900),
    product("p-20", ("Denim jeans", "牛仔裤"), Category::Clothing, 6_490),
    product("p-21", ("Cotton socks, 5 pairs", "棉袜五双"), Category::Clothing, 1_490),
    product("p-22", ("Down coat", "羽绒服"), Category::Clothing, 18_900),
    product("p-23", ("Leather loafers", "真皮乐福鞋"), Category::Shoes, 9_800),
    product("p-24", ("House slippers", "居家拖鞋"), Category::Shoes, 2_200),
    product("p-25", ("Rice cooker", "电饭煲"), Category::Kitchen, 8_400),
    product("p-26", ("Glass storage jars", "玻璃储物罐"), Category::Kitchen, 2_600),
    product("p-27", ("Espresso cups", "浓缩咖啡杯"), Category::Kitchen, 3_200),
    product("p-28", ("Picture frame", "相框"), Category::Home, 2_100),
    product("p-29", ("Wool blanket", "羊毛毯"), Category::Home, 6_900),
    product("p-30", ("Robot vacuum", "扫地机器人"), Category::Electronics, 25_900),
    product("p-31", ("Bluetooth speaker", "蓝牙音箱"), Category::Electronics, 5_900),
    product("p-32", ("USB-C cable", "USB-C数据线"), Category::Electronics, 990),
    product("p-33", ("Resistance bands", "弹力带"), Category::Sport, 1_900),
    product("p-34", ("Tennis racket", "网球拍"), Category::Sport, 10_900),
    product("p-35", ("Sleeping bag", "睡袋"), Category::Sport, 8_500),
    product("p-36", ("Trekking poles", "登山杖"), Category::Sport, 4_500),
];

/// Given names of shoppers who read English.
pub const ENGLISH_NAMES: [&str; 12] =
    ["Ada", "Ben", "Clara", "Dev", "Ella", "Finn", "Grace", "Hugo", "Iris", "Jack", "Kira", "Leo"];

/// Names of shoppers who read Chinese.
pub const CHINESE_NAMES: [&str; 12] =
    ["王芳", "李伟", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽", "周杰", "吴婷", "徐强", "孙悦"];
