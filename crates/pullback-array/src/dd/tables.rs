//! Constants of the double-double module, written by tests/golden/make_dd_tables.py.
//!
//! Every entry is the exact value rounded to a pair (or triple) of `f64`; nothing here is tuned
//! by hand and nothing here computes.

use super::Dd;

const fn dd(hi: u64, lo: u64) -> Dd {
    Dd {
        hi: f64::from_bits(hi),
        lo: f64::from_bits(lo),
    }
}
/// Archimedes' constant.
pub(super) const PI: Dd = dd(0x400921fb54442d18, 0x3ca1a62633145c07);
/// pi / 2.
pub(super) const FRAC_PI_2: Dd = dd(0x3ff921fb54442d18, 0x3c91a62633145c07);
/// pi / 4.
pub(super) const FRAC_PI_4: Dd = dd(0x3fe921fb54442d18, 0x3c81a62633145c07);
/// 2 pi.
pub(super) const TAU: Dd = dd(0x401921fb54442d18, 0x3cb1a62633145c07);
/// 1 / pi.
pub(super) const FRAC_1_PI: Dd = dd(0x3fd45f306dc9c883, 0xbc76b01ec5417056);
/// 2 / sqrt(pi).
pub(super) const FRAC_2_SQRT_PI: Dd = dd(0x3ff20dd750429b6d, 0x3c71ae3a914fed80);
/// 1 / sqrt(2 pi).
pub(super) const FRAC_1_SQRT_TAU: Dd = dd(0x3fd9884533d43651, 0xbc7cbc0d30ebfd15);
/// Euler's number.
pub(super) const E: Dd = dd(0x4005bf0a8b145769, 0x3ca4d57ee2b1013a);
/// ln 2.
pub(super) const LN_2: Dd = dd(0x3fe62e42fefa39ef, 0x3c7abc9e3b39803f);
/// ln 10.
pub(super) const LN_10: Dd = dd(0x40026bb1bbb55516, 0xbcaf48ad494ea3e9);
/// 1 / ln 2.
pub(super) const LOG2_E: Dd = dd(0x3ff71547652b82fe, 0x3c7777d0ffda0d24);
/// 1 / ln 10.
pub(super) const LOG10_E: Dd = dd(0x3fdbcb7b1526e50e, 0x3c695355baaafad3);
/// log10 2.
pub(super) const LOG10_2: Dd = dd(0x3fd34413509f79ff, 0xbc49dc1da994fd21);
/// sqrt 2.
pub(super) const SQRT_2: Dd = dd(0x3ff6a09e667f3bcd, 0xbc9bdd3413b26456);
/// 1 / sqrt 2.
pub(super) const FRAC_1_SQRT_2: Dd = dd(0x3fe6a09e667f3bcd, 0xbc8bdd3413b26456);
/// ln(2 pi) / 2.
pub(super) const HALF_LN_TAU: Dd = dd(0x3fed67f1c864beb5, 0xbc865b5a1b7ff5df);
/// ln 2 / 16 = A + B + C; A and B have 38 bits, so their multiples by 15-bit integers are exact.
pub(super) const LN2_16: [f64; 3] = [
    f64::from_bits(0x3fa62e42fefa0000),
    f64::from_bits(0x3d3cf79abc9e0000),
    f64::from_bits(0x3acd9cc01f97b57a),
];
/// 2^(j/16), j = 0..16.
pub(super) const EXP2_16: [Dd; 16] = [
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0x3ff0b5586cf9890f, 0x3c98a62e4adc610b),
    dd(0x3ff172b83c7d517b, 0xbc819041b9d78a76),
    dd(0x3ff2387a6e756238, 0x3c99b07eb6c70573),
    dd(0x3ff306fe0a31b715, 0x3c86f46ad23182e4),
    dd(0x3ff3dea64c123422, 0x3c8ada0911f09ebc),
    dd(0x3ff4bfdad5362a27, 0x3c7d4397afec42e2),
    dd(0x3ff5ab07dd485429, 0x3c96324c054647ad),
    dd(0x3ff6a09e667f3bcd, 0xbc9bdd3413b26456),
    dd(0x3ff7a11473eb0187, 0xbc841577ee04992f),
    dd(0x3ff8ace5422aa0db, 0x3c96e9f156864b27),
    dd(0x3ff9c49182a3f090, 0x3c7c7c46b071f2be),
    dd(0x3ffae89f995ad3ad, 0x3c97a1cd345dcc81),
    dd(0x3ffc199bdd85529c, 0x3c811065895048dd),
    dd(0x3ffd5818dcfba487, 0x3c82ed02d75b3707),
    dd(0x3ffea4afa2a490da, 0xbc9e9c23179c2893),
];
/// 1 / n!, n = 0..19.
pub(super) const INV_FACT: [Dd; 19] = [
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0x3fe0000000000000, 0x0000000000000000),
    dd(0x3fc5555555555555, 0x3c65555555555555),
    dd(0x3fa5555555555555, 0x3c45555555555555),
    dd(0x3f81111111111111, 0x3c01111111111111),
    dd(0x3f56c16c16c16c17, 0xbbef49f49f49f49f),
    dd(0x3f2a01a01a01a01a, 0x3b6a01a01a01a01a),
    dd(0x3efa01a01a01a01a, 0x3b3a01a01a01a01a),
    dd(0x3ec71de3a556c734, 0xbb6c154f8ddc6c00),
    dd(0x3e927e4fb7789f5c, 0x3b3cbbc05b4fa99a),
    dd(0x3e5ae64567f544e4, 0xbafc062e06d1f209),
    dd(0x3e21eed8eff8d898, 0xbac2aec959e14c06),
    dd(0x3de6124613a86d09, 0x3a8f28e0cc748ebe),
    dd(0x3da93974a8c07c9d, 0x3a305d6f8a2efd1f),
    dd(0x3d6ae7f3e733b81f, 0x39e1d8656b0ee8cb),
    dd(0x3d2ae7f3e733b81f, 0x39a1d8656b0ee8cb),
    dd(0x3ce952c77030ad4a, 0x398ac981465ddc6c),
    dd(0x3ca6827863b97d97, 0x394eec01221a8b0b),
];
/// 1 / n, n = 1..13 at index n - 1.
pub(super) const INV_INT: [Dd; 13] = [
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0x3fe0000000000000, 0x0000000000000000),
    dd(0x3fd5555555555555, 0x3c75555555555555),
    dd(0x3fd0000000000000, 0x0000000000000000),
    dd(0x3fc999999999999a, 0xbc6999999999999a),
    dd(0x3fc5555555555555, 0x3c65555555555555),
    dd(0x3fc2492492492492, 0x3c62492492492492),
    dd(0x3fc0000000000000, 0x0000000000000000),
    dd(0x3fbc71c71c71c71c, 0x3c5c71c71c71c71c),
    dd(0x3fb999999999999a, 0xbc5999999999999a),
    dd(0x3fb745d1745d1746, 0xbc4745d1745d1746),
    dd(0x3fb5555555555555, 0x3c55555555555555),
    dd(0x3fb3b13b13b13b14, 0xbc53b13b13b13b14),
];
/// sin(j/8), j = 0..7.
pub(super) const SIN_8: [Dd; 7] = [
    dd(0x0000000000000000, 0x0000000000000000),
    dd(0x3fbfeaaeee86ee36, 0xbc4afcb2bcc6f03b),
    dd(0x3fcfaaeed4f31577, 0xbc615d88508e32b8),
    dd(0x3fd7710255764214, 0xbc66ead7314bb6ce),
    dd(0x3fdeaee8744b05f0, 0xbc5789b43c9b027d),
    dd(0x3fe2b91dea88421e, 0xbc8fa371db216ab0),
    dd(0x3fe5cffc16bf8f0d, 0x3c896cb370eb578a),
];
/// cos(j/8), j = 0..7.
pub(super) const COS_8: [Dd; 7] = [
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0x3fefc015527d5bd3, 0x3c8b68f35094efb8),
    dd(0x3fef01549f7deea1, 0x3c8d3c1e99e5cafd),
    dd(0x3fedc6b7eb995912, 0x3c54b364776dcd35),
    dd(0x3fec1528065b7d50, 0xbc8892111312e828),
    dd(0x3fe9f368ed912f85, 0xbc81d200c5791606),
    dd(0x3fe769fec655211f, 0xbc6827d5cf8c68c5),
];
/// tan((2 j + 1)/16), the switch points between the centres j/8 and (j + 1)/8.
pub(super) const TAN_MID: [f64; 6] = [
    f64::from_bits(0x3fb005577854df01),
    f64::from_bits(0x3fc84906f1132568),
    f64::from_bits(0x3fd4ad71ed51ce39),
    f64::from_bits(0x3fddef49eaab37a1),
    f64::from_bits(0x3fe42c8ba0e9537a),
    f64::from_bits(0x3fea46cb2be6a0b2),
];
/// -ln(i/32) in three parts, i = 23..46 at index i - 23.
pub(super) const NEG_LN_32: [[f64; 3]; 23] = [
    [
        f64::from_bits(0x3fd522ae0738a3d8),
        f64::from_bits(0xbc68f7e9b38a6979),
        f64::from_bits(0xb90777dce76e5542),
    ],
    [
        f64::from_bits(0x3fd269621134db92),
        f64::from_bits(0x3c7e0efadd9db02b),
        f64::from_bits(0xb9163d5cf0b6f233),
    ],
    [
        f64::from_bits(0x3fcf991c6cb3b379),
        f64::from_bits(0x3c6f665066f980a2),
        f64::from_bits(0xb90c93e26ec48e0e),
    ],
    [
        f64::from_bits(0x3fca93ed3c8ad9e3),
        f64::from_bits(0x3c6bcafa9de97203),
        f64::from_bits(0x390ccdcee3115f1f),
    ],
    [
        f64::from_bits(0x3fc5bf406b543db2),
        f64::from_bits(0xbc21f5b44c0df7e7),
        f64::from_bits(0xb8c25a7abe3c6675),
    ],
    [
        f64::from_bits(0x3fc1178e8227e47c),
        f64::from_bits(0xbc50e63a5f01c691),
        f64::from_bits(0x38f03c776a3fb0f1),
    ],
    [
        f64::from_bits(0x3fb9335e5d594989),
        f64::from_bits(0xbc5478a85704ccb7),
        f64::from_bits(0x38f089735832ff2f),
    ],
    [
        f64::from_bits(0x3fb08598b59e3a07),
        f64::from_bits(0xbc5dd7009902bf32),
        f64::from_bits(0xb8ea7da07274e01d),
    ],
    [
        f64::from_bits(0x3fa0415d89e74444),
        f64::from_bits(0x3c4c05cf1d753622),
        f64::from_bits(0x38d3bc1c184cef0a),
    ],
    [
        f64::from_bits(0x0000000000000000),
        f64::from_bits(0x0000000000000000),
        f64::from_bits(0x0000000000000000),
    ],
    [
        f64::from_bits(0xbf9f829b0e783300),
        f64::from_bits(0xbc333e3f04f1ef23),
        f64::from_bits(0x38d814544147acc9),
    ],
    [
        f64::from_bits(0xbfaf0a30c01162a6),
        f64::from_bits(0xbc485f325c5bbacd),
        f64::from_bits(0x38e0ece597165991),
    ],
    [
        f64::from_bits(0xbfb6f0d28ae56b4c),
        f64::from_bits(0x3c5906d99184b992),
        f64::from_bits(0x38fbf31af3e109af),
    ],
    [
        f64::from_bits(0xbfbe27076e2af2e6),
        f64::from_bits(0x3c361578001e0162),
        f64::from_bits(0xb8b55db94ebc4018),
    ],
    [
        f64::from_bits(0xbfc29552f81ff523),
        f64::from_bits(0xbc6301771c407dbf),
        f64::from_bits(0x390977b021b7c784),
    ],
    [
        f64::from_bits(0xbfc5ff3070a793d4),
        f64::from_bits(0x3c5bc60efafc6f6e),
        f64::from_bits(0x38e1406554719540),
    ],
    [
        f64::from_bits(0xbfc9525a9cf456b4),
        f64::from_bits(0xbc6d904c1d4e2e26),
        f64::from_bits(0x39089d9afa096184),
    ],
    [
        f64::from_bits(0xbfcc8ff7c79a9a22),
        f64::from_bits(0x3c64f689f8434012),
        f64::from_bits(0xb90a24ae3b2f53a1),
    ],
    [
        f64::from_bits(0xbfcfb9186d5e3e2b),
        f64::from_bits(0x3c6caaae64f21acb),
        f64::from_bits(0x39035f6dfd3ddd52),
    ],
    [
        f64::from_bits(0xbfd1675cababa60e),
        f64::from_bits(0xbc2ce63eab883717),
        f64::from_bits(0xb881f833e82521e1),
    ],
    [
        f64::from_bits(0xbfd2e8e2bae11d31),
        f64::from_bits(0x3c78f4cdb95ebdf9),
        f64::from_bits(0x390864244294826f),
    ],
    [
        f64::from_bits(0xbfd4618bc21c5ec2),
        f64::from_bits(0xbc7f42decdeccf1d),
        f64::from_bits(0x39077d446996da00),
    ],
    [
        f64::from_bits(0xbfd5d1bdbf5809ca),
        f64::from_bits(0xbc74236383dc7fe1),
        f64::from_bits(0xb8f59f380b4a6b43),
    ],
];
/// (-1)^n / (n! (2 n + 1)), n = 0..27.
pub(super) const ERF_SERIES: [Dd; 27] = [
    dd(0x3ff0000000000000, 0x0000000000000000),
    dd(0xbfd5555555555555, 0xbc75555555555555),
    dd(0x3fb999999999999a, 0xbc5999999999999a),
    dd(0xbf98618618618618, 0xbc38618618618618),
    dd(0x3f72f684bda12f68, 0x3c12f684bda12f68),
    dd(0xbf48d3018d3018d3, 0xbb88d3018d3018d3),
    dd(0x3f1c01c01c01c01c, 0x3b5c01c01c01c01c),
    dd(0xbeebbd779334ef0b, 0x3b84e65f77088199),
    dd(0x3eb87a00187a0018, 0x3b5e80061e80061f),
    dd(0xbe83777c55568ccd, 0xbb0aaabe22270001),
    dd(0x3e4c2e3054870b38, 0xbaed5bceb1cfc09c),
    dd(0xbe12b67310aa9f3a, 0xbaa0a97d2e29d0a6),
    dd(0x3dd6f448e13e85e1, 0xba57f9c97a441499),
    dd(0xbd9a289ee7e40f74, 0x3a3d70bcaede276b),
    dd(0x3d5bd577e658d020, 0x39e20ed35aaf6f95),
    dd(0xbd1bc6250fb14231, 0x39ba5ccd0da99260),
    dd(0x3cda173a167fba4d, 0xb974e2d0241b6a79),
    dd(0xbc97271cbe5863ec, 0xb9312d42fe81b396),
    dd(0x3c5377c2110f2083, 0x38a98394fbf35b19),
    dd(0xbc0f1b4073b34a68, 0x38a84a9e0b9a5e9b),
    dd(0x3bc7abd72258fb6e, 0x3842780872890580),
    dd(0xbb813246abce1bdd, 0xb82b85c8446def6c),
    dd(0x3b37e6b81382cd42, 0x37cf8367249eb893),
    dd(0xbaefd6bebd65107a, 0xb7864abb94b856f1),
    dd(0x3aa45c0a838efe59, 0xb74423cdb5cc4cc3),
    dd(0xba5909c9de3a31c5, 0x36e889db7273c973),
    dd(0x3a0da7460554e5db, 0x36a59a4d60d2d7da),
];
/// exp(-(11 n / 32)^2), n = 1..27 at index n - 1.
pub(super) const ERFC_WEIGHT: [Dd; 26] = [
    dd(0x3fec6f00f5fd3d7f, 0xbc8ca4c29db2b71c),
    dd(0x3fe3f26fc3a423a1, 0x3c88b36154e2d2e1),
    dd(0x3fd618a1d3bed529, 0x3c72edd37e73e54d),
    dd(0x3fc3533a6159f0c4, 0xbc5349869c1290e7),
    dd(0x3faab03092a9353e, 0x3c49debb5f9023fb),
    dd(0x3f8d1969167c47a6, 0xbc1505a2c562b481),
    dd(0x3f690ccd8cf7ade9, 0xbbf335ef811bb2cc),
    dd(0x3f41068222437d65, 0x3be5fce98a3105e2),
    dd(0x3f1245963dc918c7, 0xbbb73913a0a5e77b),
    dd(0x3edef6d5dc130f34, 0xbb7f2ed4b8ebcfa3),
    dd(0x3ea4b6e1584a8971, 0xbb287dd6f62b70f9),
    dd(0x3e65e1ac6dedefca, 0xbaec02a1a76710d0),
    dd(0x3e223fd68479eb54, 0x3acac3f8221eb6e1),
    dd(0x3dd808806e465fdd, 0xba76740991d7e7a2),
    dd(0x3d88fd0cab75acbf, 0x3a226cf7ed986fb3),
    dd(0x3d34835bd010a41b, 0x39c7ab2b43c666b5),
    dd(0x3cda970798776731, 0xb96e4f9872820c96),
    dd(0x3c7b36631cfedfd5, 0x38edbb2c353600b1),
    dd(0x3c15fcdfe28b2b0a, 0x38bc8120d0b0286a),
    dd(0x3bac0dbccd3eacc1, 0xb8408a9c16a36fbb),
    dd(0x3b3c4261fea6820a, 0x37a828897eee618f),
    dd(0x3ac679920e65d86e, 0xb75ba97a3309dafd),
    dd(0x3a4c397dd170e1d2, 0x36e28d27ddb198e2),
    dd(0x39cbfc185a84a1f3, 0xb665874a2869fbb4),
    dd(0x3945e825521d18a3, 0xb5ef8dcf5a99d83a),
    dd(0x38bb1433d68c205b, 0x355312d68fd3f470),
];
/// B_2n / (2n (2n - 1)), n = 1..17 at index n - 1.
pub(crate) const STIRLING: [Dd; 16] = [
    dd(0x3fb5555555555555, 0x3c55555555555555),
    dd(0xbf66c16c16c16c17, 0x3bff49f49f49f49f),
    dd(0x3f4a01a01a01a01a, 0x3b8a01a01a01a01a),
    dd(0xbf43813813813814, 0x3befb1fb1fb1fb20),
    dd(0x3f4b951e2b18ff23, 0x3be5c3a9ce01b952),
    dd(0xbf5f6ab0d9993c7d, 0x3bff82553c999b0e),
    dd(0x3f7a41a41a41a41a, 0x3c10690690690690),
    dd(0xbf9e4286cb0f5398, 0x3c21efcdab896745),
    dd(0x3fc6fe96381e0680, 0xbc279e2405a71f88),
    dd(0xbff6476701181f3a, 0x3c724246319da678),
    dd(0x402ace44322ce006, 0xbcc62c2b1bbcdd32),
    dd(0xc0639b2525cccc1b, 0x3d052604768a30fc),
    dd(0x40a12234e81b4e82, 0xbd42c5f92c5f92c6),
    dd(0xc0e1a198ae1c4ab8, 0x3d64c012227b696e),
    dd(0x41251a2089a6e11a, 0x3dbc219ee4fdc447),
    dd(0xc16d1089b142d357, 0xbe0e2030b4d5de20),
];
/// The bits of 2/pi after the binary point, 64 to a word.
pub(super) const TWO_OVER_PI: [u64; 24] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
    0xa9e391615ee61b08,
    0x6599855f14a06840,
    0x8dffd8804d732731,
    0x06061556ca73a8c9,
];
