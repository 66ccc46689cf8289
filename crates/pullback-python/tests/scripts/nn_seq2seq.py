# Sequence-to-sequence with attention: reverse strings (after the official NLP-from-scratch tutorial)
import random, math, time
import torch
import torch.nn as nn
from torch import optim
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader, RandomSampler
import numpy as np

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
print("Using device:", device)
random.seed(0); np.random.seed(0); torch.manual_seed(0)
SOS_token, EOS_token, MAX_LENGTH = 0, 1, 6

class Lang:
    def __init__(self, name):
        self.name = name
        self.word2index = {}
        self.word2count = {}
        self.index2word = {0: "SOS", 1: "EOS"}
        self.n_words = 2
    def addSentence(self, sentence):
        for word in sentence.split(' '):
            self.addWord(word)
    def addWord(self, word):
        if word not in self.word2index:
            self.word2index[word] = self.n_words
            self.word2count[word] = 1
            self.index2word[self.n_words] = word
            self.n_words += 1
        else:
            self.word2count[word] += 1

words = list("abcdefgh")
pairs = []
for _ in range(64):
    n = random.randint(2, 5)
    s = [random.choice(words) for _ in range(n)]
    pairs.append((" ".join(s), " ".join(reversed(s))))
input_lang, output_lang = Lang("in"), Lang("out")
for a, b in pairs:
    input_lang.addSentence(a); output_lang.addSentence(b)
print("Counted words:", input_lang.name, input_lang.n_words, output_lang.name, output_lang.n_words)

class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.1):
        super(EncoderRNN, self).__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout_p)
    def forward(self, input):
        embedded = self.dropout(self.embedding(input))
        output, hidden = self.gru(embedded)
        return output, hidden

class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)
    def forward(self, query, keys):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        context = torch.bmm(weights, keys)
        return context, weights

class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, dropout_p=0.1):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)
        self.dropout = nn.Dropout(dropout_p)
    def forward(self, encoder_outputs, encoder_hidden, target_tensor=None):
        batch_size = encoder_outputs.size(0)
        decoder_input = torch.empty(batch_size, 1, dtype=torch.long, device=device).fill_(SOS_token)
        decoder_hidden = encoder_hidden
        decoder_outputs, attentions = [], []
        for i in range(MAX_LENGTH):
            decoder_output, decoder_hidden, attn_weights = self.forward_step(decoder_input, decoder_hidden, encoder_outputs)
            decoder_outputs.append(decoder_output)
            attentions.append(attn_weights)
            if target_tensor is not None:
                decoder_input = target_tensor[:, i].unsqueeze(1)
            else:
                _, topi = decoder_output.topk(1)
                decoder_input = topi.squeeze(-1).detach()
        decoder_outputs = torch.cat(decoder_outputs, dim=1)
        decoder_outputs = F.log_softmax(decoder_outputs, dim=-1)
        attentions = torch.cat(attentions, dim=1)
        return decoder_outputs, decoder_hidden, attentions
    def forward_step(self, input, hidden, encoder_outputs):
        embedded = self.dropout(self.embedding(input))
        query = hidden.permute(1, 0, 2)
        context, attn_weights = self.attention(query, encoder_outputs)
        input_gru = torch.cat((embedded, context), dim=2)
        output, hidden = self.gru(input_gru, hidden)
        return self.out(output), hidden, attn_weights

def indexes(lang, s):
    return [lang.word2index[w] for w in s.split(' ')]
n = len(pairs)
input_ids = np.zeros((n, MAX_LENGTH), dtype=np.int32)
target_ids = np.zeros((n, MAX_LENGTH), dtype=np.int32)
for idx, (inp, tgt) in enumerate(pairs):
    a = indexes(input_lang, inp) + [EOS_token]; b = indexes(output_lang, tgt) + [EOS_token]
    input_ids[idx, :len(a)] = a; target_ids[idx, :len(b)] = b
train_data = TensorDataset(torch.LongTensor(input_ids).to(device), torch.LongTensor(target_ids).to(device))
loader = DataLoader(train_data, sampler=RandomSampler(train_data), batch_size=16)
encoder = EncoderRNN(input_lang.n_words, 32).to(device)
decoder = AttnDecoderRNN(32, output_lang.n_words).to(device)
print(encoder); print(decoder)
eo, do = optim.Adam(encoder.parameters(), lr=0.01), optim.Adam(decoder.parameters(), lr=0.01)
criterion = nn.NLLLoss()
for epoch in range(1, 9):
    total = 0
    for x, y in loader:
        eo.zero_grad(); do.zero_grad()
        out, hid = encoder(x)
        dec, _, _ = decoder(out, hid, y)
        loss = criterion(dec.view(-1, dec.size(-1)), y.view(-1))
        loss.backward()
        eo.step(); do.step()
        total += loss.item()
    if epoch % 2 == 0: print('(%d %d%%) %.4f' % (epoch, epoch / 8 * 100, total / len(loader)))
encoder.eval(); decoder.eval()
with torch.no_grad():
    out, hid = encoder(train_data.tensors[0][:3])
    dec, _, att = decoder(out, hid)
    _, topi = dec.topk(1)
    for row, p in zip(topi.squeeze(-1), pairs):
        print('>', p[0], '=', p[1], '<', ' '.join(output_lang.index2word[i.item()] for i in row))
    print(att[0].numpy().round(2))
