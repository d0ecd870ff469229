//! WeChat, Tencent IM and Dify in a box: simulated platforms as real HTTP peers
