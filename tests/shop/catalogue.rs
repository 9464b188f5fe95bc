//! What the invented shop sells, and the names of those who buy, in English and Chinese.

/// One product.
#[derive(Debug)]
pub struct Product {
    pub id: &'static str,
    pub english: &'static str,
    pub chinese: &'static str,
    pub category: &'static str,
    /// Units: euros.
    pub price: f64,
}

const fn product(
    id: &'static str,
    english: &'static str,
    chinese: &'static str,
    category: &'static str,
    price: f64,
) -> Product {
    Product { id, english, chinese, category, price }
}

/// Everything on the shelf.
pub const PRODUCTS: [Product; 18] = [
    product("p-01", "Linen shirt", "亚麻衬衫", "clothing", 39.0),
    product("p-02", "Rain jacket", "防雨夹克", "clothing", 89.0),
    product("p-03", "Wool scarf", "羊毛围巾", "clothing", 24.5),
    product("p-04", "Running shoes", "跑步鞋", "shoes", 119.0),
    product("p-05", "Canvas sneakers", "帆布鞋", "shoes", 54.0),
    product("p-06", "Hiking boots", "登山靴", "shoes", 149.0),
    product("p-07", "Porcelain teapot", "瓷茶壶", "kitchen", 42.0),
    product("p-08", "Cast-iron pan", "铸铁锅", "kitchen", 59.9),
    product("p-09", "Green tea, 250 g", "绿茶250克", "kitchen", 12.8),
    product("p-10", "Chef's knife", "主厨刀", "kitchen", 74.0),
    product("p-11", "Desk lamp", "台灯", "home", 48.0),
    product("p-12", "Cotton bedding", "纯棉床品", "home", 95.0),
    product("p-13", "Scented candle", "香薰蜡烛", "home", 18.0),
    product("p-14", "Wireless earphones", "无线耳机", "electronics", 129.0),
    product("p-15", "Power bank", "充电宝", "electronics", 35.0),
    product("p-16", "E-book reader", "电子书阅读器", "electronics", 139.0),
    product("p-17", "Yoga mat", "瑜伽垫", "sport", 29.0),
    product("p-18", "Water bottle", "运动水壶", "sport", 16.5),
];

/// Given names of shoppers who read English.
pub const ENGLISH_NAMES: [&str; 12] =
    ["Ada", "Ben", "Clara", "Dev", "Ella", "Finn", "Grace", "Hugo", "Iris", "Jack", "Kira", "Leo"];

/// Names of shoppers who read Chinese.
pub const CHINESE_NAMES: [&str; 12] =
    ["王芳", "李伟", "张敏", "刘洋", "陈静", "杨帆", "赵磊", "黄丽", "周杰", "吴婷", "徐强", "孙悦"];
