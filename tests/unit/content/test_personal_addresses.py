"""Made-up postal addresses of every province as people write them, and places that are nobody's address."""

from __future__ import annotations

import pytest

from hegui.general.content import folding
from hegui.general.content.checks import Checker, masked
from hegui.general.content.library import compile_library
from hegui.general.content.personal import Kind, find
from hegui.general.content.policy import Side, load_policy, parse_policy
from hegui.general.content.window import Window

# What stands between « and » is the address. Streets and numbers are made up.
WRITTEN = """
收件人住«北京市朝阳区样例路88号院3号楼2单元1201室»，谢谢
他搬到«北京海淀区样例东街甲12号»去了
寄到«天津市河西区样例道15号增1号楼402»吧
户籍在«天津滨海新区样例大街6号»。
«河北省石家庄市长安区样例北大街108号样例小区5-2-301»（放门口）
我家在«河北唐山路南区样例里12楼3门402号»，欢迎
«山西省太原市小店区样例街99号»是公司
住址：«山西大同平城区样例路三号»
«内蒙古自治区呼和浩特市新城区样例路17号»，电话另给
«内蒙古锡林郭勒盟锡林浩特市样例街5号院»附近
«辽宁省沈阳市和平区样例南街25巷7号»
地址 «辽宁大连市中山区样例路 66 号 15 层»
«吉林省长春市朝阳区样例胡同8号»的老房子
«吉林省延边朝鲜族自治州延吉市样例街21号»
«黑龙江省哈尔滨市南岗区样例大街301号»到了
她住«黑龙江齐齐哈尔市龙沙区样例路9号3单元501»
快递送«上海市浦东新区样例路1288弄36号502室»
«上海徐汇区样例西路200号»，三楼
«江苏省苏州市工业园区样例街328号»收
«江苏省南京市玄武区样例巷4号4幢401室»
«江苏昆山市样例镇样例村12组6号»种田
«浙江省杭州市西湖区样例路90号»
«浙江杭州余杭区样例街道样例社区3幢2单元901室»
«浙江省宁波市鄞州区样例中路 555 号»
«安徽省合肥市蜀山区样例路76号»
«安徽黄山市屯溪区样例老街18号»
«福建省厦门市思明区样例路10号之一»
«福建泉州市晋江市样例镇样例街8号»
«江西省南昌市东湖区样例路45号»
«江西省赣州市章贡区样例大道52号8栋»
«山东省青岛市市南区样例路11号»
«山东济南历下区样例东路2666号»
«河南省郑州市金水区样例路3号院»
«河南省洛阳市老城区样例街22号附3号»
«湖北省武汉市洪山区样例路1037号»
«湖北省恩施土家族苗族自治州恩施市样例大道三号»
«湖南省长沙市岳麓区样例南路932号»
«湖南湘西土家族苗族自治州吉首市样例路2号»
«广东省广州市天河区样例路383号样例大厦28楼»
«广东深圳南山区样例园路1号A座1201»
«广东省东莞市样例镇样例路16号»收
«广东省中山市样例街道样例路7号»收
«广西壮族自治区南宁市青秀区样例大道66号»
«广西桂林市象山区样例路1-2号»
«海南省海口市美兰区样例大道58号»
«海南省儋州市样例镇样例路6号»
«重庆市渝北区样例街道样例路12号附5号»
«重庆渝中区样例巷71号»
«四川省成都市武侯区样例街一段24号»
«四川成都锦江区样例路二段5号1栋1单元802号»
«四川省凉山彝族自治州西昌市样例路9号»
«贵州省贵阳市云岩区样例北路1号»
«贵州省黔东南苗族侗族自治州凯里市样例路8号»
«云南省昆明市五华区样例路2号»
«云南省大理白族自治州大理市样例路33号»
«西藏自治区拉萨市城关区样例中路19号»
«陕西省西安市雁塔区样例路58号»
«陕西西安市碑林区样例十字东南角样例路3号»
«甘肃省兰州市城关区样例东路222号»
«青海省西宁市城中区样例大街4号»
«宁夏回族自治区银川市兴庆区样例街25号»
«新疆维吾尔自治区乌鲁木齐市天山区样例路14号»
«新疆喀什地区喀什市样例路7号»
«香港特别行政区油尖旺区样例道100号»
«香港九龙样例道100号样例大厦12楼B室»
«香港湾仔区样例街3号8楼»
«澳门特别行政区花地玛堂区样例街9号»
«澳门样例大马路32号»
«台湾省台北市信义区样例路五段7号»
«台湾台北市大安区样例路2段50巷3号4楼»
«台北市中正区样例街一段122号»
«北京样例路88号院3号楼»
«杭州样例路90号2幢301室»
«深圳市福田区样例村31号302»
«广东省广州市番禺区样例镇样例村样例大街二巷5号»
«苏州市吴中区样例街道样例花园12幢1203室»
«成都市高新区样例大道中段500号»
«西安市高新区样例二路26号»
«武汉市东湖高新区样例路88号»
«长春市经济技术开发区样例街77号»
""".strip().splitlines()  # fmt: skip

NOBODYS = """
北京市是直辖市，朝阳区在它的东边
上海市2号线从虹桥到浦东
在广东省的3号文件里写明了
杭州市西湖区有很多公园，1号公园最大
北京路上有500户人家
上海市第1号议案通过了
南京市玄武区共有12个社区3号点位
深圳市南山区科技园
武汉市2020年1号公告
重庆市10号台风预警
成都市天府大道
他住在样例路88号
河北省2024年第5号令
西安市地铁2号线开通
苏州园林的5号展厅
中国银行北京市分行1号窗口
广东队7号球员进球
北京大学3号楼
长沙市天心区人口有80万
天津港8号码头
从北京到上海的G1号列车
香港电影院线
台湾省台北市的夜市
青岛啤酒1号店
北京冬奥会1号场馆
四川省共有21个市州
云南白药3号配方
海南岛环岛路
上海浦东机场2号航站楼
内蒙古大草原
""".strip().splitlines()  # fmt: skip


def addresses(text: str) -> list[str]:
    fold = folding.fold(text)
    return [text[fold.origin(item.start) : fold.end(item.end)] for item in find(fold.text) if item.kind is Kind.ADDRESS]


def split(line: str) -> tuple[str, str]:
    before, _, rest = line.partition("«")
    inside, _, after = rest.partition("»")
    return before + inside + after, inside


MASKING = Checker(
    compile_library([], "none"), parse_policy({"output": {"personal": {"address": "mask"}}}, load_policy(None))
)


@pytest.mark.parametrize("line", WRITTEN)
def test_an_address_is_found_from_its_division_to_its_last_room(line: str) -> None:
    text, wanted = split(line)
    assert addresses(text) == [wanted]


@pytest.mark.parametrize("line", WRITTEN[::5])
def test_it_is_starred_alike_in_a_stream(line: str) -> None:
    text, _ = split(line)
    window = Window(MASKING)
    out = "".join(map(window.feed, text)) + window.finish()
    assert out == masked(text, MASKING.check(text, Side.OUTPUT).verdicts)


@pytest.mark.parametrize("text", NOBODYS)
def test_a_place_that_is_no_address_is_left_alone(text: str) -> None:
    assert addresses(text) == []
